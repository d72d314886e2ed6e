import { isOAuthProvider } from '../../runtime/users/oauth/index.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { Findings } from '../app-folder/finding.ts'
import type { Origins } from '../app-folder/origins.ts'
import { withoutClientSecret } from './check-providers.ts'

interface SecretUse {
  readonly secret: string
  readonly file: string
  readonly subject: string
  readonly effect: string
}

function secretUses(app: AppDefinition, origins: Origins): SecretUse[] {
  const uses: SecretUse[] = []
  for (const value of app.values)
    if (value.from_secret && typeof value.value === 'string')
      uses.push({
        secret: value.value,
        file: origins.value(value.name),
        subject: value.name,
        effect: `context.values.get("${value.name}") is undefined`,
      })
  for (const endpoint of app.endpoints)
    if (endpoint.validation_method !== 'NO_VALIDATION' && endpoint.secret_name !== '')
      uses.push({
        secret: endpoint.secret_name,
        file: origins.endpoint(endpoint.http_method, endpoint.route),
        subject: `${endpoint.http_method} ${endpoint.route}`,
        effect: `${endpoint.http_method} ${endpoint.route} refuses every call`,
      })
  if (app.dataApi && app.dataApi.validation_method !== 'NO_VALIDATION' && app.dataApi.secret_name !== '')
    uses.push({
      secret: app.dataApi.secret_name,
      file: 'http_endpoints/data_api_config.json',
      subject: 'Data API',
      effect: 'the Data API refuses every call',
    })
  for (const { type, disabled, secret_config } of Object.values(app.authProviders)) {
    const secret = secret_config.clientSecret
    if (disabled || !isOAuthProvider(type) || typeof secret !== 'string' || secret === '') continue
    uses.push({ secret, file: 'auth/providers.json', subject: type, effect: withoutClientSecret(type) })
  }
  for (const provider of Object.values(app.authProviders)) {
    const keys = provider.secret_config.signingKeys
    if (provider.disabled || provider.type !== 'custom-token' || !Array.isArray(keys)) continue
    for (const key of keys)
      if (typeof key === 'string')
        uses.push({
          secret: key,
          file: 'auth/providers.json',
          subject: provider.type,
          effect: 'tokens signed with it are refused',
        })
  }
  return uses
}

/**
 * Secrets never travel with a folder (spec: app folder 9): without a list of those that exist it can only be said which
 * ones are needed.
 *
 * @param secrets names of the secrets that exist; undefined when none were given
 */
export function checkSecrets(
  app: AppDefinition,
  origins: Origins,
  secrets: ReadonlySet<string> | undefined,
  findings: Findings,
): void {
  for (const { secret, file, subject, effect } of secretUses(app, origins)) {
    if (secrets?.has(secret)) continue
    findings.add(secrets === undefined ? 'warning' : 'error', 'secret-missing', {
      file,
      subject,
      message: `needs the secret "${secret}"; without it ${effect}`,
      mend: `add "${secret}" to the file given with --secrets, or to the Worker's secrets`,
    })
  }
}
