import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTokens } from '../../../runtime/users/tokens.ts'

const start = new Date('2026-01-01T00:00:00Z')
const key = 'k'.repeat(32)
const access = { app: 'a-app', userId: 'u1', sessionId: 's1', userData: { role: 'x' } }
const identity = { id: 'i1', provider_type: 'anon-user', provider_id: 'p1' }

describe('session tokens', () => {
  it('carry the claims that SDKs read', async () => {
    const token = await createTokens(key, () => start).signAccess({ ...access, now: start })
    expect(decodeJwt(token)).toEqual({
      baas_device_id: '000000000000000000000000',
      baas_domain_id: 'a-app',
      exp: start.getTime() / 1000 + 1800,
      iat: start.getTime() / 1000,
      iss: 's1',
      stitch_devId: '000000000000000000000000',
      stitch_domainId: 'a-app',
      sub: 'u1',
      typ: 'access',
      user_data: { role: 'x' },
    })
  })

  it.each([
    [1799, false],
    [1800, true],
  ])('after %i s an access token has expired: %s', async (seconds, expired) => {
    const now = () => new Date(start.getTime() + seconds * 1000)
    const tokens = createTokens(key, now)
    const token = await tokens.signAccess({ ...access, now: start })
    expect(await tokens.verify(token)).toEqual({ kind: 'access', claims: access, expired })
  })

  it('tell refresh from access', async () => {
    const tokens = createTokens(key, () => start)
    const expiresAt = new Date(start.getTime() + 60_000)
    const { userData: _, ...claims } = access
    const token = await tokens.signRefresh({ ...claims, identity, now: start, expiresAt })
    expect(await tokens.verify(token)).toEqual({ kind: 'refresh', claims, expired: false })
  })

  it('are refused when another key signed them, or nobody', async () => {
    const tokens = createTokens(key, () => start)
    const foreign = await createTokens('o'.repeat(32), () => start).signAccess({ ...access, now: start })
    const [, payload] = foreign.split('.')
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    for (const token of [foreign, unsigned, '', 'a.b.c', 'x']) expect(await tokens.verify(token)).toBeUndefined()
  })

  it('need a key of 32 bytes', () => {
    expect(() => createTokens('k'.repeat(31), () => start)).toThrow(TypeError)
  })
})
