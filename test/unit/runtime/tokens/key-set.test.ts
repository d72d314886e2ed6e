import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { cooldownMs, createKeySet, KeySetUnavailableError } from '../../../../runtime/tokens/key-set.ts'

const jwk: JWK = { ...(await exportJWK((await generateKeyPair('RS256')).publicKey)), kid: 'known', alg: 'RS256' }
const token = { payload: '', signature: '' }

function open(respond: () => Response = () => Response.json({ keys: [jwk] })) {
  let time = Date.now()
  let fetches = 0
  const keys = createKeySet(
    'https://tenant.example/.well-known/jwks.json',
    async () => {
      fetches++
      return respond()
    },
    () => new Date(time),
  )
  return {
    ask: async (kid: string | undefined) => {
      const header = { alg: 'RS256', ...(kid !== undefined && { kid }) }
      try {
        await keys(header, token)
        return 'found'
      } catch (error) {
        return error instanceof KeySetUnavailableError ? 'unavailable' : 'refused'
      }
    },
    fetches: () => fetches,
    wait(ms: number) {
      time += ms
    },
  }
}

describe('the key set of an identity provider', () => {
  it('is fetched once for all known keys', async () => {
    const keys = open()
    expect([await keys.ask('known'), await keys.ask('known'), keys.fetches()]).toEqual(['found', 'found', 1])
  })

  it('is fetched once more for an unknown kid, and again after the cooldown', async () => {
    const keys = open()
    await keys.ask('known')
    for (let i = 0; i < 3; i++) expect(await keys.ask('unknown')).toBe('refused')
    expect(keys.fetches()).toBe(2)
    keys.wait(cooldownMs + 1)
    await keys.ask('unknown')
    expect(keys.fetches()).toBe(3)
  })

  it('is not fetched for each of many invented kids', async () => {
    const keys = open()
    await keys.ask('known')
    for (let i = 0; i < 50; i++) await keys.ask(`invented-${i}`)
    expect(keys.fetches()).toBe(6)
  })

  it('keeps its keys when a refetch fails', async () => {
    let isAway = false
    const keys = open(() => (isAway ? new Response(null, { status: 500 }) : Response.json({ keys: [jwk] })))
    await keys.ask('known')
    isAway = true
    expect([await keys.ask('unknown'), await keys.ask('known')]).toEqual(['refused', 'found'])
  })

  it.each([
    ['answers an error', () => new Response(null, { status: 503 })],
    ['answers no JSON', () => new Response('<html>')],
    ['answers JSON that is no key set', () => Response.json({ keys: 'none' })],
    ['sends elsewhere', () => new Response(null, { status: 302, headers: { Location: 'https://evil.example/' } })],
  ])('is unavailable, which says nothing about the token, when the provider %s', async (_, respond) => {
    expect(await open(respond).ask('known')).toBe('unavailable')
  })
})
