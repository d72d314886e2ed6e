import { createHash, createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export type ProviderName = 'google' | 'facebook' | 'apple'

/** Whoever sits in front of the browser. */
export interface Person {
  id: string
  email?: string
  emailVerified?: boolean
  firstName?: string
  lastName?: string
  /** Answers no. */
  declines?: boolean
}

export interface RegisteredClient {
  clientId: string
  clientSecret: string
}

interface Grant {
  provider: ProviderName
  person: Person
  redirectUri: string
  challenge: string | null
  nonce: string | null
  scopes: string[]
}

export interface NewIdToken {
  clientId?: string
  nonce?: string
  expiresInSeconds?: number
  claims?: Record<string, unknown>
}

const hosts = {
  'accounts.google.com': 'google',
  'oauth2.googleapis.com': 'google',
  'openidconnect.googleapis.com': 'google',
  'www.googleapis.com': 'google',
  'www.facebook.com': 'facebook',
  'graph.facebook.com': 'facebook',
  'appleid.apple.com': 'apple',
} as const satisfies Record<string, ProviderName>

const issuers = { google: 'https://accounts.google.com', apple: 'https://appleid.apple.com', facebook: '' }

/**
 * Google, Facebook and Apple as their documents describe the parts that logins use: real signatures, codes that count
 * once and for one redirect, PKCE, and access tokens that belong to one client.
 */
export async function createIdentityProviders(clients: Readonly<Record<ProviderName, RegisteredClient>>) {
  const pair = await generateKeyPair('RS256')
  const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] }
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, { person: Person; clientId: string; expiresAt: number }>()
  const requests: string[] = []
  let serial = 0
  let present: Person = { id: 'nobody' }

  function signIdToken(provider: 'google' | 'apple', person: Person, token: NewIdToken = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({
      iss: issuers[provider],
      aud: token.clientId ?? clients[provider].clientId,
      sub: person.id,
      iat: now,
      exp: now + (token.expiresInSeconds ?? 600),
      ...(person.email !== undefined && {
        email: person.email,
        email_verified: provider === 'apple' ? String(person.emailVerified ?? true) : (person.emailVerified ?? true),
      }),
      ...(provider === 'google' && person.firstName !== undefined && { given_name: person.firstName }),
      ...(token.nonce !== undefined && { nonce: token.nonce }),
      ...token.claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .sign(pair.privateKey)
  }

  function newAccessToken(person: Person, clientId: string): string {
    const token = `access-${++serial}`
    tokens.set(token, { person, clientId, expiresAt: Date.now() + 600_000 })
    return token
  }

  function newCode(grant: Grant): string {
    const code = `code-${++serial}`
    grants.set(code, grant)
    return code
  }

  function authorize(provider: ProviderName, query: URLSearchParams): Response {
    const redirectUri = query.get('redirect_uri') ?? ''
    if (query.get('client_id') !== clients[provider].clientId || query.get('response_type') !== 'code')
      return new Response('invalid_request', { status: 400 })
    const answer = new URLSearchParams({ state: query.get('state') ?? '' })
    if (present.declines) answer.set('error', provider === 'apple' ? 'user_cancelled_authorize' : 'access_denied')
    else
      answer.set(
        'code',
        newCode({
          provider,
          person: present,
          redirectUri,
          challenge: query.get('code_challenge'),
          nonce: query.get('nonce'),
          scopes: (query.get('scope') ?? '').split(/[ ,]/),
        }),
      )
    if (provider === 'apple' && query.has('scope') && query.get('response_mode') !== 'form_post')
      return new Response('invalid_request', { status: 400 })
    if (query.get('response_mode') !== 'form_post') return Response.redirect(`${redirectUri}?${answer}`, 302)
    const inputs = [...answer].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
    return new Response(
      `<form method="post" action="${redirectUri}">${inputs.join('')}</form><script>document.forms[0].submit()</script>`,
      { headers: { 'Content-Type': 'text/html' } },
    )
  }

  async function redeem(provider: ProviderName, form: URLSearchParams): Promise<Response> {
    const client = clients[provider]
    const refuse = (error: string) => Response.json({ error }, { status: 400 })
    if (form.get('client_id') !== client.clientId || form.get('client_secret') !== client.clientSecret)
      return Response.json({ error: 'invalid_client' }, { status: 401 })
    const code = form.get('code') ?? ''
    const grant = grants.get(code)
    if (grant?.provider !== provider) return refuse('invalid_grant')
    if ((form.get('redirect_uri') ?? '') !== grant.redirectUri) return refuse('redirect_uri_mismatch')
    grants.delete(code)
    const verifier = form.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    if (grant.challenge !== null && grant.challenge !== challenge) return refuse('invalid_grant')
    const accessToken = newAccessToken(grant.person, client.clientId)
    if (provider === 'facebook') return Response.json({ access_token: accessToken, token_type: 'bearer' })
    const visible = grant.scopes.includes('email') ? grant.person : { id: grant.person.id }
    const hasIdToken = provider === 'apple' || grant.scopes.includes('openid')
    return Response.json({
      access_token: accessToken,
      token_type: 'Bearer',
      ...(hasIdToken && {
        id_token: await signIdToken(provider, visible, grant.nonce === null ? {} : { nonce: grant.nonce }),
      }),
    })
  }

  function userInfo(token: string): Response {
    const known = tokens.get(token)
    if (known === undefined) return Response.json({ error: 'invalid_request' }, { status: 401 })
    const { id, email, emailVerified = true, firstName, lastName } = known.person
    return Response.json({
      sub: id,
      email,
      email_verified: emailVerified,
      given_name: firstName,
      family_name: lastName,
    })
  }

  /** Graph: `debug_token` for whom a token is, `me` for the profile. */
  function graph(url: URL): Response {
    const query = url.searchParams
    if (url.pathname === '/debug_token') {
      const { clientId, clientSecret } = clients.facebook
      if (query.get('access_token') !== `${clientId}|${clientSecret}`)
        return Response.json({ error: { message: 'Invalid OAuth access token.', code: 190 } }, { status: 400 })
      const known = tokens.get(query.get('input_token') ?? '')
      if (known === undefined) return Response.json({ data: { is_valid: false } })
      const expires_at = Math.floor(known.expiresAt / 1000)
      const data = { app_id: known.clientId, type: 'USER', is_valid: true, user_id: known.person.id, expires_at }
      return Response.json({ data })
    }
    const token = query.get('access_token') ?? ''
    const known = tokens.get(token)
    const proof = createHmac('sha256', clients.facebook.clientSecret).update(token).digest('hex')
    if (known === undefined || query.get('appsecret_proof') !== proof)
      return Response.json({ error: { code: 190 } }, { status: 400 })
    const { id, email, firstName, lastName } = known.person
    const all: Record<string, unknown> = {
      id,
      email,
      first_name: firstName,
      last_name: lastName,
      picture: { data: { url: `https://platform-lookaside.fbsbx.com/${id}` } },
      age_range: { min: 21 },
    }
    const fields = (query.get('fields') ?? 'id').split(',')
    return Response.json(Object.fromEntries(fields.map((field) => [field, all[field]])))
  }

  return {
    signIdToken,
    newAccessToken,
    /** Every request so far, without queries. */
    requests,
    /** Who answers the next question of a provider. */
    sitDown(person: Person): void {
      present = person
    },
    /** A code as a library of the provider hands it to a page. */
    codeFor(provider: 'google' | 'apple', person: Person, redirectUri: string, scopes = ['openid', 'email']): string {
      return newCode({ provider, person, redirectUri, challenge: null, nonce: null, scopes })
    },
    isProvider: (url: URL) => Object.hasOwn(hosts, url.hostname),
    /** Undefined for an address of nobody here. */
    async handle(request: Request): Promise<Response | undefined> {
      const url = new URL(request.url)
      if (!Object.hasOwn(hosts, url.hostname)) return undefined
      const provider = hosts[url.hostname as keyof typeof hosts]
      requests.push(`${request.method} ${url.origin}${url.pathname}`)
      const form = async () => new URLSearchParams(await request.text())
      switch (`${url.hostname}${url.pathname}`) {
        case 'accounts.google.com/o/oauth2/v2/auth':
        case 'www.facebook.com/dialog/oauth':
        case 'appleid.apple.com/auth/authorize':
          return authorize(provider, url.searchParams)
        case 'oauth2.googleapis.com/token':
        case 'graph.facebook.com/oauth/access_token':
        case 'appleid.apple.com/auth/token':
          return redeem(provider, await form())
        case 'www.googleapis.com/oauth2/v3/certs':
        case 'appleid.apple.com/auth/keys':
          return Response.json(keys)
        case 'openidconnect.googleapis.com/v1/userinfo':
          return userInfo(request.headers.get('authorization')?.replace('Bearer ', '') ?? '')
        case 'graph.facebook.com/debug_token':
        case 'graph.facebook.com/me':
          return graph(url)
        default:
          return new Response('not found', { status: 404 })
      }
    },
  }
}

export type IdentityProviders = Awaited<ReturnType<typeof createIdentityProviders>>
