import * as z from 'zod'

const text = z.string().min(1)
const textOrList = z.union([text.transform((one) => [one]), z.array(text).min(1)])
const loopback = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/
// A set fetched in the clear could be replaced on its way; a provider on this machine has no way to go.
const secureUrl = z
  .url()
  .refine((url) => url.startsWith('https://') || loopback.test(url), { error: 'must be an https address' })

/** One issuer whose access tokens the edge accepts (spec: clients 1.10). */
const identityProvider = z
  .strictObject({
    /** As `iss` spells it, character by character: Auth0's ends with a slash. */
    issuer: secureUrl,
    /** Identifiers of this API; a token must name one of them. */
    audience: textOrList,
    /** Default `["RS256"]`. */
    algorithms: z
      .array(z.enum(['RS256', 'ES256']))
      .min(1)
      .default(['RS256']),
    /** Default: `.well-known/jwks.json` below the issuer. */
    jwksUri: secureUrl.optional(),
    /** 0 to 5, default 5. */
    clockToleranceSeconds: z.number().min(0).max(5).default(5),
    /** Prefix of the claims that carry roles and tenant, such as `https://example.com/`; absent: none are read. */
    claimsNamespace: text.optional(),
    /** Name of the role claim after the prefix. Default `role`. */
    roleClaim: text.default('role'),
    /** Auth0's name of the tenant: a row of another one is not this person's. */
    tenant: text.optional(),
    /** Where the rows of users are. Default: the collection of custom user data, when that is on. */
    users: z.strictObject({ dataSource: text, database: text, collection: text }).optional(),
  })
  .transform((provider) => ({
    ...provider,
    jwksUri: provider.jwksUri ?? `${withSlash(provider.issuer)}.well-known/jwks.json`,
  }))

/** The value `identityProviders` of an app, and the edge setting of the same shape. */
export const identityProviders = z.array(identityProvider)

export type IdentityProvider = z.output<typeof identityProvider>

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
