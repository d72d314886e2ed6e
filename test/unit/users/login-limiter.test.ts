import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SharedLimiter } from '../../../runtime/limits/shared-limiter.ts'
import { LoginLimiter, type SharedFailures } from '../../../runtime/users/login-limiter.ts'
import { startTestDatabase, type TestDatabase } from '../../support/database.ts'

const start = new Date('2026-01-01T00:00:00Z').getTime()

function limiterAt(shared?: SharedFailures) {
  const clock = { ms: start }
  const limiter = new LoginLimiter(() => new Date(clock.ms), shared)
  const guess = (account: string, address: string, isRight = false) =>
    limiter.attempt(account, address, async () => isRight).catch((error) => error.status)
  return {
    clock,
    limiter,
    guess,
    async fail(times: number, account: string, address: string) {
      for (let i = 0; i < times; i++) expect(await guess(account, address)).toBe(false)
    },
    /** 200 = a right password would be looked at. */
    status: async (account: string, address: string) => ((await guess(account, address, true)) === true ? 200 : 429),
  }
}

describe('the limit on guessing', () => {
  it('stops one address at one account after 20 failures, and neither the person nor the neighbours', async () => {
    const { fail, status } = limiterAt()
    await fail(20, 'ann', '1.1.1.1')
    expect(await Promise.all([status('ann', '1.1.1.1'), status('ann', '2.2.2.2'), status('bob', '1.1.1.1')])).toEqual([
      429, 200, 200,
    ])
  })

  it('stops an account after 50 failures, from wherever they come, and no other account', async () => {
    const { fail, status } = limiterAt()
    for (let i = 0; i < 50; i++) await fail(1, 'ann', `1.1.1.${i}`)
    expect([await status('ann', '2.2.2.2'), await status('bob', '1.1.1.1')]).toEqual([429, 200])
  })

  it('stops an address after 200 failures, whoever it tries', async () => {
    const { fail, status } = limiterAt()
    for (let i = 0; i < 200; i++) await fail(1, `user ${i}`, '1.1.1.1')
    expect([await status('ann', '1.1.1.1'), await status('ann', '2.2.2.2')]).toEqual([429, 200])
  })

  it('counts no address that is not known', async () => {
    const { fail, status } = limiterAt()
    for (let i = 0; i < 300; i++) await fail(1, `user ${i}`, '')
    expect(await status('ann', '')).toBe(200)
  })

  it('says when to come back, and forgets after five minutes, however often somebody tries meanwhile', async () => {
    const { clock, limiter, fail, status } = limiterAt()
    await fail(20, 'ann', '1.1.1.1')
    clock.ms += 60_000
    await expect(limiter.attempt('ann', '1.1.1.1', async () => false)).rejects.toMatchObject({
      code: 'AuthError',
      status: 429,
      retryAfterSeconds: 240,
    })
    clock.ms += 240_001
    expect(await status('ann', '1.1.1.1')).toBe(200)
  })

  it('forgets the failures of an address that got in', async () => {
    const { fail, status } = limiterAt()
    await fail(19, 'ann', '1.1.1.1')
    expect(await status('ann', '1.1.1.1')).toBe(200)
    await fail(19, 'ann', '1.1.1.1')
    expect(await status('ann', '1.1.1.1')).toBe(200)
  })

  it('looks at 20 of a thousand guesses at once, and at each of a hundred right passwords at once', async () => {
    const { limiter } = limiterAt()
    let looked = 0
    const slowly = (isRight: boolean) => async () => {
      looked++
      await new Promise((resolve) => setTimeout(resolve, 1))
      return isRight
    }
    const many = (count: number, account: string, isRight: boolean) =>
      Promise.allSettled(Array.from({ length: count }, () => limiter.attempt(account, '', slowly(isRight))))
    await many(1000, 'ann', false)
    expect(looked).toBe(20)
    const right = await many(100, 'bob', true)
    expect(right.filter(({ status }) => status === 'fulfilled').length).toBe(100)
  })

  it('is not blocked by a check that fails', async () => {
    const { limiter, status } = limiterAt()
    const broken = () => Promise.reject(new Error('no database'))
    for (let i = 0; i < 60; i++) await expect(limiter.attempt('ann', 'a', broken)).rejects.toThrow('no database')
    expect(await status('ann', 'a')).toBe(200)
  })
})

describe('the limit on guessing, over all hosts', () => {
  let database: TestDatabase
  let client: MongoClient
  beforeAll(async () => {
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    await client.db('login_limits').dropDatabase()
  })
  afterAll(async () => {
    await client.close()
    await database.close()
  })
  const host = (app: string) =>
    limiterAt(new SharedLimiter({ client, database: 'login_limits', app, secret: 'a secret of the operator' }))

  it('counts what other hosts have seen, and what was before a restart', async () => {
    await host('app-1').fail(12, 'ann', '1.1.1.1')
    await host('app-1').fail(8, 'ann', '1.1.1.1')
    const fresh = host('app-1')
    expect([await fresh.status('ann', '1.1.1.1'), await fresh.status('ann', '2.2.2.2')]).toEqual([429, 200])
    expect(await host('app-2').status('ann', '1.1.1.1')).toBe(200)
  })

  it('never stops an address that the person has logged in from', async () => {
    expect(await host('app-3').status('ann', 'home')).toBe(200)
    for (let i = 0; i < 10; i++) await host('app-3').fail(5, 'ann', `bot ${i}`)
    const fresh = host('app-3')
    expect([await fresh.status('ann', 'elsewhere'), await fresh.status('ann', 'home')]).toEqual([429, 200])
    await fresh.fail(20, 'ann', 'home')
    expect(await host('app-3').status('ann', 'home')).toBe(429)
  })

  it('forgets, on every host, the failures of an address that got in', async () => {
    await host('app-4').fail(19, 'ann', 'home')
    expect(await host('app-4').status('ann', 'home')).toBe(200)
    await host('app-4').fail(19, 'ann', 'home')
  })

  it('stores neither accounts nor addresses as they are', async () => {
    await host('app-5').fail(1, 'ann@example.org', '9.9.9.9')
    const stored = JSON.stringify(await client.db('login_limits').collection('limits').find().toArray())
    expect(stored).not.toMatch(/ann|9\.9\.9/)
  })

  it('counts in memory while the database does not answer', async () => {
    const silent = new MongoClient('mongodb://127.0.0.1:9/', { serverSelectionTimeoutMS: 50 })
    const { fail, status } = limiterAt(
      new SharedLimiter({ client: silent, database: 'nowhere', app: 'app', secret: 'secret' }),
    )
    await fail(20, 'ann', '')
    expect(await status('ann', '')).toBe(429)
    await silent.close()
  })
})
