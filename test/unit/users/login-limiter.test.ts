import { describe, expect, it } from 'vitest'
import { LoginLimiter } from '../../../runtime/users/login-limiter.ts'

const start = new Date('2026-01-01T00:00:00Z').getTime()

function limiterAt() {
  const clock = { ms: start }
  const limiter = new LoginLimiter(() => new Date(clock.ms))
  const fail = (times: number, account: string, address: string) => {
    for (let i = 0; i < times; i++) limiter.recordFailure(account, address)
  }
  const isAllowed = (account: string, address: string) => {
    try {
      limiter.assertAllowed(account, address)
      return true
    } catch {
      return false
    }
  }
  return { clock, limiter, fail, isAllowed }
}

describe('the limit on guessing', () => {
  it('stops an account after 20 failures, from wherever they come, and no other account', () => {
    const { fail, isAllowed } = limiterAt()
    fail(10, 'ann', '1.1.1.1')
    fail(9, 'ann', '2.2.2.2')
    expect(isAllowed('ann', '1.1.1.1')).toBe(true)
    fail(1, 'ann', '3.3.3.3')
    expect([isAllowed('ann', '4.4.4.4'), isAllowed('bob', '1.1.1.1')]).toEqual([false, true])
  })

  it('stops an address after 200 failures, whoever it tries', () => {
    const { fail, isAllowed } = limiterAt()
    for (let i = 0; i < 200; i++) fail(1, `user ${i}`, '1.1.1.1')
    expect([isAllowed('ann', '1.1.1.1'), isAllowed('ann', '2.2.2.2')]).toEqual([false, true])
  })

  it('counts no address that is not known', () => {
    const { fail, isAllowed } = limiterAt()
    for (let i = 0; i < 300; i++) fail(1, `user ${i}`, '')
    expect(isAllowed('ann', '')).toBe(true)
  })

  it('says when to come back, and forgets after five minutes', () => {
    const { clock, limiter, fail, isAllowed } = limiterAt()
    fail(20, 'ann', '1.1.1.1')
    clock.ms += 60_000
    expect(() => limiter.assertAllowed('ann', '')).toThrow(
      expect.objectContaining({ code: 'AuthError', status: 429, retryAfterSeconds: 240 }),
    )
    clock.ms += 240_001
    expect(isAllowed('ann', '1.1.1.1')).toBe(true)
  })

  it('forgets the failures of an account that got in', () => {
    const { limiter, fail, isAllowed } = limiterAt()
    fail(20, 'ann', '1.1.1.1')
    limiter.recordSuccess('ann', '1.1.1.1')
    expect(isAllowed('ann', '1.1.1.1')).toBe(true)
  })
})
