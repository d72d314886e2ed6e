import type { AppDefinition } from '../../schemas/app/definition.ts'
import { type IdentityProvider, identityProviders } from '../../schemas/app/identity-providers.ts'

/** Name of the app value that lists the issuers. */
export const identityProvidersValue = 'identityProviders'

/**
 * The issuers of an app: its value `identityProviders`, and those that the edge's own settings add.
 *
 * @throws {TypeError} which entry is wrong and why: an issuer that is half configured is not served
 */
export function readIdentityProviders(
  definition: AppDefinition,
  added: readonly IdentityProvider[] = [],
): IdentityProvider[] {
  const value = definition.values.find(({ name, from_secret }) => name === identityProvidersValue && !from_secret)
  const parsed = identityProviders.safeParse(value?.value ?? [])
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new TypeError(`value ${identityProvidersValue}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  const providers = [...parsed.data, ...added]
  const issuers = new Set(providers.map(({ issuer }) => issuer))
  if (issuers.size < providers.length) throw new TypeError(`value ${identityProvidersValue}: an issuer is listed twice`)
  return providers
}
