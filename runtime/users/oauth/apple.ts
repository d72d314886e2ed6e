import { askProvider, textOf } from './ask-provider.ts'
import { accountOfClaims } from './claims-account.ts'
import { apple } from './endpoints.ts'
import { createIdTokenVerifier } from './id-token.ts'
import { wantsEmail } from './metadata.ts'
import type { CodeGrant, OAuthClient, OAuthClientOptions, VerifiedAccount } from './oauth-client.ts'
import { credentialsOf } from './provider-config.ts'
import { exchangeRefused, infoRefused, tokenRefused } from './refusals.ts'

/**
 * Apple: id tokens, authorization codes, and the redirect with a nonce. The client secret is the token that the
 * developer signed with the key of the Apple account; it lives half a year at most.
 */
export function createAppleClient(options: OAuthClientOptions): OAuthClient {
  const { provider, fetch } = options
  const idTokens = createIdTokenVerifier(apple, options)

  async function accountOfCode({ code, callbackUrl, nonce }: CodeGrant): Promise<VerifiedAccount> {
    const { clientId, clientSecret } = credentialsOf(options)
    const { ok, body } = await askProvider(fetch, apple.token, {
      form: {
        grant_type: 'authorization_code',
        code,
        client_id: clientId,
        client_secret: clientSecret,
        ...(callbackUrl !== undefined && { redirect_uri: callbackUrl }),
      },
    })
    if (!ok) throw exchangeRefused('the code was refused', body.error)
    const claims = await idTokens.verify(textOf(body, 'id_token') ?? '', nonce)
    if (claims === undefined) throw infoRefused('the id token of the code is not valid')
    return accountOfClaims(provider, claims)
  }

  return {
    authorizationUrl({ callbackUrl, state, nonce }) {
      const { clientId } = credentialsOf(options)
      const query = new URLSearchParams({
        response_type: 'code',
        // Apple sends the answer as a form where a scope is asked for, and refuses anything else.
        ...(wantsEmail(provider) ? { response_mode: 'form_post', scope: 'email' } : { response_mode: 'query' }),
        client_id: clientId,
        redirect_uri: callbackUrl,
        state,
        nonce,
      })
      return `${apple.authorize}?${query}`
    },

    async verify(proof) {
      if (proof.kind === 'code') return accountOfCode(proof.grant)
      if (proof.kind === 'access-token') throw tokenRefused('access tokens are not accepted')
      const claims = await idTokens.verify(proof.token)
      if (claims === undefined) throw tokenRefused('the id token is not valid')
      return accountOfClaims(provider, claims)
    },
  }
}
