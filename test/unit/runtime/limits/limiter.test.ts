import { MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../runtime/errors.ts'
import { Limiter } from '../../../../runtime/limits/limiter.ts'
import type { LogEntry } from '../../../../runtime/log.ts'
import type { LimitPolicy } from '../../../../schemas/edge-settings.ts'

const base: LimitPolicy = {
  name: 'p',
  door: 'read',
  per: 'address',
  limit: 2,
  windowSeconds: 10,
  store: 'local',
  onFailure: 'open',
}

function open(...policies: Partial<LimitPolicy>[]) {
  let time = 1_000_000
  const lines: LogEntry[] = []
  // Nothing listens there.
  const client = new MongoClient('mongodb://127.0.0.1:9/', { serverSelectionTimeoutMS: 50 })
  const limiter = new Limiter({
    policies: policies.map((policy) => ({ ...base, ...policy })),
    client,
    database: 'nowhere',
    app: 'app',
    secret: 'secret',
    now: () => new Date(time),
    log: (entry) => void lines.push(entry),
  })
  const allowed = async (subjects = {}) =>
    (await limiter.hit('read', { address: 'a', ...subjects })).every((verdict) => verdict.allowed)
  return { limiter, allowed, lines, wait: (ms: number) => (time += ms) }
}

describe('a limiter', () => {
  it('never lets more than the limit pass in any window, and forgets refused hits', async () => {
    const { allowed, wait } = open({})
    const passed = []
    for (const ms of [0, 6_000, 1, 3_998, 1, 1, 5_998, 1]) {
      wait(ms)
      passed.push(await allowed())
    }
    expect(passed).toEqual([true, true, false, false, true, false, false, true])
  })

  it('counts subjects and policies apart, and records nothing when one of them refuses', async () => {
    const { allowed } = open({ name: 'address', limit: 3 }, { name: 'key', per: 'key', limit: 1 })
    expect([await allowed({ key: 'one' }), await allowed({ key: 'one' }), await allowed({ key: 'one' })]).toEqual([
      true,
      false,
      false,
    ])
    expect([await allowed({ key: 'two' }), await allowed({ key: 'three' }), await allowed({ key: 'four' })]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('counts in memory and raises an alarm when a shared policy that fails open has no database', async () => {
    const { allowed, lines } = open({ store: 'shared' })
    expect([await allowed(), await allowed(), await allowed()]).toEqual([true, true, false])
    expect(lines).toEqual([
      {
        type: 'system',
        status: 'error',
        name: 'limits',
        error: 'the database does not answer: limits are counted in this process alone',
        detail: { policy: 'p', fallbacks: 1 },
      },
    ])
  })

  it('answers 503 when a policy that fails closed has no database', async () => {
    const { limiter } = open({ store: 'shared', onFailure: 'closed' })
    const refusal = await limiter.hit('read', { address: 'a' }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(AppError)
    expect(refusal).toMatchObject({ status: 503, message: 'the limits of this service cannot be checked now' })
  })
})
