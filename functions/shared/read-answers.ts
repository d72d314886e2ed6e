import type { Instant } from '../../domain/instant.ts'
import type { NpsAnswer } from '../../domain/kpi/nps.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import type { TestUsers } from './read-users.ts'
import { keyOf, toInstant, toNumber } from './values.ts'

export interface Answers {
  readonly answers: readonly NpsAnswer[]
  /** Who gave them, as stored, by key. */
  readonly people: ReadonlyMap<string, unknown>
}

/** The answers of `[from, to)`, without those of test accounts. */
export async function readAnswers(
  context: Context,
  from: Instant,
  to: Instant,
  testUsers: TestUsers,
): Promise<Answers> {
  const documents = await readAll(
    rawCollectionOf(context, 'nps_responses'),
    { responded_at: { $gte: new Date(from), $lt: new Date(to) } },
    { _id: 1, user_id: 1, score: 1, responded_at: 1 },
  )
  const answers: NpsAnswer[] = []
  const people = new Map<string, unknown>()
  for (const document of documents) {
    const user = keyOf(document.user_id)
    const respondedAt = toInstant(document.responded_at)
    if (respondedAt === null || (user !== null && testUsers.keys.has(user))) continue
    if (user !== null) people.set(user, document.user_id)
    answers.push({ user, score: toNumber(document.score), respondedAt })
  }
  return { answers, people }
}
