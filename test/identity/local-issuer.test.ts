import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localAudience, localNamespace, startLocalIssuer } from '../../local/identity/issuer.ts'
import { createAccessTokenVerifier } from '../../runtime/tokens/verify-access-token.ts'
import { parseEdgeSettings } from '../../schemas/edge-settings.ts'

type Fields = Record<string, string>
type Answer = Record<'access_token' | 'id_token' | 'refresh_token', string>

describe('the local issuer', () => {
  let issuer: Awaited<ReturnType<typeof startLocalIssuer>>
  beforeAll(async () => {
    issuer = await startLocalIssuer(0)
  })
  afterAll(() => issuer?.close())

  const request = (fields: Fields) => fetch(`${issuer.url}token`, { method: 'POST', body: new URLSearchParams(fields) })
  const grant = async (fields: Fields) => (await (await request(fields)).json()) as Answer
  const verify = async (token: string) => {
    const { identityProviders } = parseEdgeSettings({ identityProviders: [issuer.provider] })
    return createAccessTokenVerifier({ providers: identityProviders, fetch, now: () => new Date() }).verify(token)
  }

  it.each(['viewer', 'analyst', 'admin'])('logs in %s with an access token that the edge accepts', async (username) => {
    const { access_token } = await grant({ grant_type: 'password', username })
    expect(await verify(access_token)).toMatchObject({
      kind: 'valid',
      claims: { subject: `auth0|demo-${username}`, role: username, isService: false },
    })
  })

  it('goes from a code to tokens and on by refreshing, as the person of the hint', async () => {
    const redirect = 'http://127.0.0.1/callback'
    const query = new URLSearchParams({ response_type: 'code', redirect_uri: redirect, login_hint: 'analyst' })
    const sent = await fetch(`${issuer.url}authorize?${query}`, { redirect: 'manual' })
    const code = new URL(sent.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const first = await grant({ grant_type: 'authorization_code', code, client_id: 'spa', redirect_uri: redirect })
    const second = await grant({ grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: 'spa' })
    for (const { access_token } of [first, second])
      expect(decodeJwt(access_token)).toMatchObject({
        sub: 'auth0|demo-analyst',
        aud: localAudience,
        [`${localNamespace}role`]: 'analyst',
      })
    expect(decodeJwt(first.id_token)).toMatchObject({ sub: 'auth0|demo-analyst', aud: 'spa', email_verified: true })
    expect(await verify(first.id_token)).toEqual({ kind: 'invalid' })
  })

  it('gives machines tokens without a person', async () => {
    const { access_token } = await grant({ grant_type: 'client_credentials', client_id: 'robot', scope: 'read:kpis' })
    expect(await verify(access_token)).toMatchObject({
      kind: 'valid',
      claims: { subject: 'robot@clients', isService: true, role: undefined, permissions: ['read:kpis'] },
    })
  })

  it('knows nobody else', async () => {
    const answer = await request({ grant_type: 'password', username: 'mallory' })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'username or login_hint must be one of viewer, analyst, admin' },
    ])
  })
})
