import { expect } from 'vitest'
import { send } from '../contract/contract-case.ts'
import { post } from '../contract/credentials.ts'
import type { ServedApp } from './served-app.ts'

/** State of every kind that could leak from one call into another, looked at again after each pause. */
export const concurrentFunctions: Readonly<Record<string, string>> = {
  concurrent: `const seen = []
exports = async (tag) => {
  seen.push(tag)
  undeclared = tag
  const look = () => [context.user.id, context.request.requestHeaders['x-tag'][0], undeclared, seen.join()]
  const looks = [look()]
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
  looks.push(look())
  const inner = context.functions.execute('concurrentInner', tag)
  await context.services.get('mongodb-atlas').db('concurrent').collection('none').findOne({ _id: tag })
  looks.push(look(), await inner)
  console.log(tag, context.user.id)
  return looks.map((each) => each.join(' '))
}`,
  concurrentInner: `let own
exports = async (tag) => {
  own = tag
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
  return [context.user.id, context.request.requestHeaders['x-tag'][0], undeclared, own]
}`,
}

/** An answer of `concurrent`, and what it must be. */
interface Call {
  readonly tag: string
  readonly user: string
  readonly requestId: unknown
  readonly body: unknown
}

/**
 * Lets two users call by turns, `atOnce` calls at once, and resolves to what each call gave, in order.
 *
 * @param count how many calls; a multiple of `atOnce`
 */
export async function callByTurns<User, Answer>(
  [one, other]: readonly [User, User],
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  call: (user: User, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const turn = (index: number) => call(index % 2 === 0 ? one : other, index)
  const answers: Answer[] = []
  for (let first = 0; first < count; first += atOnce)
    answers.push(...(await Promise.all(Array.from({ length: atOnce }, (_, offset) => turn(first + offset)))))
  return answers
}

/** Few enough for the three connections of a Durable Object's pool on a busy machine. */
const atOnce = 10

/**
 * Lets two anonymous users of `app`, which has the functions above, call by turns, 10 calls at once: each call sees its
 * own user, request, variables and callee, and is logged under its own request id.
 */
export async function expectSeparateCalls(served: ServedApp, app: string, count: number): Promise<void> {
  const client = `${served.url}/api/client/v2.0/app/${app}`
  const login = async () => (await post(`${client}/auth/providers/anon-user/login`, {})).body
  const users = await Promise.all([login(), login()])
  const calls = await callByTurns(users, { count, atOnce }, async (caller, index): Promise<Call> => {
    const { user_id: user, access_token: token } = caller
    const tag = `t${index}`
    const headers = { Authorization: `Bearer ${token}`, 'X-Tag': tag }
    const body = Buffer.from(JSON.stringify({ name: 'concurrent', arguments: [tag] }))
    const answer = await send(`${client}/functions/call`, 'POST', headers, body)
    return { tag, user, requestId: answer.headers['x-request-id'], body: JSON.parse(answer.text) }
  })
  expect(calls.map(({ body }) => body)).toEqual(
    calls.map(({ tag, user }) => Array(4).fill(`${user} ${tag} ${tag} ${tag}`)),
  )
  const logged = () =>
    served.log
      .filter(({ name, userId }) => name === 'concurrent' && users.some(({ user_id }) => user_id === userId))
      .map(({ requestId, userId, logs }) => `${requestId} ${userId} ${logs?.join()}`)
      .sort()
  await expect.poll(() => logged().length, { timeout: 10_000 }).toBe(calls.length)
  expect(logged()).toEqual(calls.map(({ tag, user, requestId }) => `${requestId} ${user} ${tag} ${user}`).sort())
}
