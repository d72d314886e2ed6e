import { isOAuthProvider } from '../../runtime/users/oauth/index.ts'
import type { AppDefinition, AuthProvider } from '../../schemas/app/definition.ts'
import type { Findings } from '../app-folder/finding.ts'

const file = 'auth/providers.json'
const servedProviders = ['anon-user', 'api-key', 'local-userpass', 'custom-token', 'custom-function']

/** What each enabled provider will refuse, and what has to be set elsewhere for it. */
export function checkProviders(app: AppDefinition, findings: Findings): void {
  for (const provider of Object.values(app.authProviders)) {
    if (provider.disabled) continue
    if (isOAuthProvider(provider.type)) checkOAuthProvider(provider, findings)
    else if (provider.type === 'local-userpass') checkUserpass(provider, findings)
    else if (!servedProviders.includes(provider.type))
      findings.add('error', 'provider-unsupported', {
        file,
        subject: provider.type,
        message: `logins of "${provider.type}" are refused`,
        mend: 'log in with that provider in the client and hand its token to "custom-token", or disable the provider',
      })
  }
}

function checkOAuthProvider(
  { type, config, secret_config, redirect_uris = [] }: AuthProvider,
  findings: Findings,
): void {
  const place = { file, subject: type }
  const isSet = (value: unknown) =>
    Array.isArray(value) ? value.length > 0 : typeof value === 'string' && value !== ''
  if (!isSet(config.clientId))
    findings.add('error', 'provider-incomplete', {
      ...place,
      message: `"${type}" has no "clientId": all its logins are refused`,
      mend: `add "config": {"clientId": "..."}, the id of the app at the provider`,
    })
  if (!isSet(secret_config.clientSecret))
    findings.add('error', 'provider-incomplete', {
      ...place,
      message: `"${type}" has no "clientSecret": ${withoutClientSecret(type)}`,
      mend: `add "secret_config": {"clientSecret": "<name of a secret>"}`,
    })
  findings.add(
    'info',
    'provider-callback',
    redirect_uris.length === 0
      ? {
          ...place,
          message: `logins of "${type}" by redirect are refused: "redirect_uris" names no page`,
          mend: 'list the pages that call Realm.handleAuthRedirect, to the letter; clients that bring a token need none',
        }
      : {
          ...place,
          message: `logins of "${type}" by redirect come back to this edge`,
          mend: `at the provider, allow the redirect URI https://<the edge's host>/api/client/v2.0/auth/callback`,
        },
  )
}

/** What is refused while the secret is missing: id tokens are verified with the provider's public keys alone. */
export function withoutClientSecret(type: string): string {
  return type === 'oauth2-facebook'
    ? 'all its logins are refused'
    : 'codes and redirects are refused, id tokens accepted'
}

const mailingFunction =
  'a function that gets { token, tokenId, username }, mails them by context.http or nodemailer (port 465 or 587), and returns { status: "pending" }'

function checkUserpass({ type, config }: AuthProvider, findings: Findings): void {
  const place = { file, subject: type }
  const { autoConfirm, runConfirmationFunction, runResetFunction } = config
  if (autoConfirm !== true && runConfirmationFunction !== true)
    findings.add('warning', 'email-not-sent', {
      ...place,
      message: 'users are confirmed by e-mail, and no e-mail is sent here',
      mend: `set "autoConfirm": true, or "runConfirmationFunction": true with "confirmationFunctionName": ${mailingFunction}`,
    })
  if (runResetFunction !== true)
    findings.add('info', 'reset-email-not-sent', {
      ...place,
      message: 'passwords are reset by e-mail, and no e-mail is sent here',
      mend: `set "runResetFunction": true with "resetFunctionName": ${mailingFunction}`,
    })
}
