import { hmacSha256Hex } from '../hash.ts'
import { askProvider, isRecord, textOf } from './ask-provider.ts'
import { facebook } from './endpoints.ts'
import { graphFields, isOfAllowedDomain, readGraphField, readMetadata, wantsAny, wantsEmail } from './metadata.ts'
import type { CodeGrant, OAuthClient, OAuthClientOptions, VerifiedAccount } from './oauth-client.ts'
import { credentialsOf } from './provider-config.ts'
import { exchangeRefused, infoRefused, tokenRefused } from './refusals.ts'

/** Permissions beside `public_profile`, by the fields that need them. */
const permissions: readonly [permission: string, fields: readonly string[]][] = [
  ['user_birthday', ['birthday']],
  ['user_gender', ['gender']],
  ['user_age_range', ['min_age', 'max_age']],
]

/** Facebook: access tokens of its libraries, which Graph must call this app's own, codes, and the redirect. */
export function createFacebookClient(options: OAuthClientOptions): OAuthClient {
  const { provider, fetch, now } = options

  /** Any app's token reads the same profile: it counts only when Graph says that it was made for this one. */
  async function ownerOf(token: string): Promise<string> {
    const { clientId, clientSecret } = credentialsOf(options)
    const url = new URL(facebook.inspectToken)
    url.searchParams.set('input_token', token)
    url.searchParams.set('access_token', `${clientId}|${clientSecret}`)
    const { ok, body } = await askProvider(fetch, url)
    const data = isRecord(body.data) ? body.data : {}
    if (!ok || data.is_valid !== true) throw infoRefused('the access token is not valid')
    if (String(data.app_id) !== clientId) throw infoRefused('the access token was made for another app')
    if (data.type !== undefined && data.type !== 'USER') throw infoRefused('the access token is not of a person')
    const expiresAt = Number(data.expires_at ?? 0)
    if (expiresAt !== 0 && !(expiresAt * 1000 > now().getTime())) throw infoRefused('the access token has expired')
    const owner = textOf(data, 'user_id')
    if (owner === undefined) throw infoRefused('the access token is of nobody')
    return owner
  }

  async function accountOfToken(token: string): Promise<VerifiedAccount> {
    const owner = await ownerOf(token)
    const { clientSecret } = credentialsOf(options)
    const url = new URL(facebook.me)
    const names = provider.metadata_fields.map(({ name }) => name)
    url.searchParams.set('fields', graphFields(wantsEmail(provider) ? [...names, 'email'] : names).join(','))
    url.searchParams.set('access_token', token)
    url.searchParams.set('appsecret_proof', await hmacSha256Hex(clientSecret, new TextEncoder().encode(token)))
    const { ok, body } = await askProvider(fetch, url)
    if (!ok || textOf(body, 'id') !== owner) throw infoRefused('the account was not told')
    // Graph tells an address only when it is a confirmed one.
    if (!isOfAllowedDomain(provider, body.email)) throw tokenRefused('the domain is not allowed')
    return { subject: owner, data: readMetadata(provider, (name) => readGraphField(body, name)) }
  }

  async function redeem({ code, callbackUrl }: CodeGrant): Promise<string> {
    const { clientId, clientSecret } = credentialsOf(options)
    const { ok, body } = await askProvider(fetch, facebook.token, {
      form: { client_id: clientId, client_secret: clientSecret, redirect_uri: callbackUrl ?? '', code },
    })
    const token = textOf(body, 'access_token')
    if (!ok || token === undefined) throw exchangeRefused('the code was refused')
    return token
  }

  return {
    authorizationUrl({ callbackUrl, state }) {
      const { clientId } = credentialsOf(options)
      const scopes = ['public_profile']
      if (wantsEmail(provider)) scopes.push('email')
      for (const [permission, fields] of permissions) if (wantsAny(provider, fields)) scopes.push(permission)
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: callbackUrl,
        scope: scopes.join(','),
        state,
      })
      return `${facebook.authorize}?${query}`
    },

    async verify(proof) {
      if (proof.kind === 'id-token') throw tokenRefused('id tokens are not accepted')
      return accountOfToken(proof.kind === 'code' ? await redeem(proof.grant) : proof.token)
    },
  }
}
