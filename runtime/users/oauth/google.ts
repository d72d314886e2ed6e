import { askProvider, type ProviderAnswer, textOf } from './ask-provider.ts'
import { accountOfClaims } from './claims-account.ts'
import { google } from './endpoints.ts'
import { createIdTokenVerifier } from './id-token.ts'
import { readClaim, wantsAny, wantsEmail } from './metadata.ts'
import type { CodeGrant, OAuthClient, OAuthClientOptions, VerifiedAccount } from './oauth-client.ts'
import { credentialsOf } from './provider-config.ts'
import { exchangeRefused, infoRefused, tokenRefused } from './refusals.ts'

/** What a client was given a code for, when it does not say: a page's popup, or a native library. */
const redirectsOfClients = ['postmessage', '']

const profileFields = ['name', 'first_name', 'last_name', 'picture', 'locale']

/** Google: id tokens of its libraries, their authorization codes, and the redirect with PKCE and a nonce. */
export function createGoogleClient(options: OAuthClientOptions): OAuthClient {
  const { provider, fetch } = options
  const idTokens = createIdTokenVerifier(google, options)

  async function redeem(grant: CodeGrant): Promise<ProviderAnswer> {
    const { clientId, clientSecret } = credentialsOf(options)
    let answer: ProviderAnswer | undefined
    for (const redirect of grant.callbackUrl === undefined ? redirectsOfClients : [grant.callbackUrl]) {
      answer = await askProvider(fetch, google.token, {
        form: {
          grant_type: 'authorization_code',
          code: grant.code,
          client_id: clientId,
          client_secret: clientSecret,
          redirect_uri: redirect,
          ...(grant.codeVerifier !== undefined && { code_verifier: grant.codeVerifier }),
        },
      })
      if (answer.ok) return answer
      if (answer.body.error !== 'redirect_uri_mismatch') break
    }
    throw exchangeRefused('the code was refused', answer?.body.error)
  }

  async function accountOfCode(grant: CodeGrant): Promise<VerifiedAccount> {
    const { body } = await redeem(grant)
    const idToken = textOf(body, 'id_token')
    const claims = idToken === undefined ? undefined : await idTokens.verify(idToken, grant.nonce)
    // A code that a client brought may be without "openid"; one that was asked for here is not.
    if (claims === undefined && (idToken !== undefined || grant.nonce !== undefined))
      throw infoRefused('the id token of the code is not valid')
    const isComplete =
      claims !== undefined && provider.metadata_fields.every(({ name }) => readClaim(claims, name) !== undefined)
    const accessToken = textOf(body, 'access_token')
    if (isComplete || (claims !== undefined && accessToken === undefined)) return accountOfClaims(provider, claims)
    const info = await askProvider(fetch, google.userInfo, { accessToken: accessToken ?? '' })
    const subject = textOf(info.body, 'sub')
    if (!info.ok || subject === undefined || (claims !== undefined && claims.sub !== subject))
      throw infoRefused('the account was not told', info.body.error)
    return accountOfClaims(provider, { ...info.body, ...claims, sub: subject })
  }

  return {
    authorizationUrl({ callbackUrl, state, codeChallenge, nonce }) {
      const { clientId } = credentialsOf(options)
      const scopes = ['openid']
      if (wantsEmail(provider)) scopes.push('email')
      if (wantsAny(provider, profileFields)) scopes.push('profile')
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: callbackUrl,
        scope: scopes.join(' '),
        state,
        nonce,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
      })
      return `${google.authorize}?${query}`
    },

    async verify(proof) {
      if (proof.kind === 'code') return accountOfCode(proof.grant)
      // An access token does not say here for which client it was made.
      if (proof.kind === 'access-token') throw tokenRefused('access tokens are not accepted')
      const claims = await idTokens.verify(proof.token)
      if (claims === undefined) throw tokenRefused('the id token is not valid')
      return accountOfClaims(provider, claims)
    },
  }
}
