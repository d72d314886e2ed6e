import { type Fraction, fraction } from '../exact/fraction.ts'
import { dayMs, type Instant } from '../instant.ts'
import { percentage } from './ratio.ts'

/** One `nps_responses` document. */
export interface NpsAnswer {
  /** Null: anonymous. */
  readonly user: string | null
  /** NaN when stored as something that is no number. */
  readonly score: number
  readonly respondedAt: Instant
}

export interface NpsResult {
  /** Null without a respondent. */
  readonly nps: Fraction | null
  readonly respondents: number
  /** The users among them. */
  readonly users: readonly string[]
  /** Answers of the window outside the integers 0..10. */
  readonly invalidScores: number
}

/**
 * `nps`: percentage of respondents with 9 or 10 minus percentage with 0 to 6. The latest valid answer of each user in
 * `[T - window, T)` counts, anonymous answers count one each. Unit: -100..100. Zero case: null without a respondent.
 *
 * @param answers in any order; of two answers of one user at one instant the lower counts
 * @see spec KPIs 4; Bain, "Measuring Your Net Promoter Score"
 */
export function computeNps(answers: Iterable<NpsAnswer>, asOf: Instant, windowDays: number): NpsResult {
  const from = asOf - windowDays * dayMs
  const latest = new Map<string, NpsAnswer>()
  const scores: number[] = []
  let invalidScores = 0
  for (const answer of answers) {
    if (answer.respondedAt < from || answer.respondedAt >= asOf) continue
    if (!Number.isInteger(answer.score) || answer.score < 0 || answer.score > 10) {
      invalidScores += 1
      continue
    }
    if (answer.user === null) {
      scores.push(answer.score)
      continue
    }
    const known = latest.get(answer.user)
    const later =
      known === undefined ||
      answer.respondedAt > known.respondedAt ||
      (answer.respondedAt === known.respondedAt && answer.score < known.score)
    if (later) latest.set(answer.user, answer)
  }
  for (const answer of latest.values()) scores.push(answer.score)
  const promoters = scores.filter((score) => score >= 9).length
  const detractors = scores.filter((score) => score <= 6).length
  return {
    nps: percentage(fraction(promoters - detractors), fraction(scores.length)),
    respondents: scores.length,
    users: [...latest.keys()],
    invalidScores,
  }
}
