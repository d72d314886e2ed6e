import {
  type AugmentedRequest,
  Events,
  type MutableRedirectUri,
  type MutableResponse,
  type MutableToken,
  OAuth2Server,
  type Payload,
  type TokenRequestIncomingMessage,
} from 'oauth2-mock-server'
import type { EdgeSettingsInput } from '../../schemas/edge-settings.ts'
import { type DemoLogin, demoUsers } from './demo-users.ts'

export const localAudience = 'https://api.local/'
export const localNamespace = 'https://local/'
const machine = 'demo-machine'

export interface LocalIssuer {
  /** `iss` of its tokens, with its slash; discovery is below it. */
  readonly url: string
  /** What makes an edge accept its tokens. */
  readonly provider: NonNullable<EdgeSettingsInput['identityProviders']>[number]
  /** A command that prints an access token of a demo user. */
  readonly command: (username: string) => string
  close(): Promise<void>
}

/**
 * An OIDC issuer on this machine, for development: logs in any of the demo users without a password
 * (`grant_type=password`, `authorization_code` with `login_hint`, `refresh_token`), and machines (`client_credentials`).
 *
 * @param port 0 = a free one
 */
export async function startLocalIssuer(port: number): Promise<LocalIssuer> {
  const server = new OAuth2Server(undefined, undefined, { shouldIssuerUrlBeSuffixedWithATralingSlash: true })
  await server.issuer.keys.generate('RS256')
  await server.start(port, '127.0.0.1')
  const url = `http://127.0.0.1:${server.address().port}/`
  server.issuer.url = url
  rememberLogins(server)
  return {
    url,
    provider: {
      issuer: url,
      audience: localAudience,
      jwksUri: `${url}jwks`,
      claimsNamespace: localNamespace,
    },
    command: (username) =>
      `curl -s '${url}token' -d grant_type=password -d username=${username} | node -p 'JSON.parse(require("fs").readFileSync(0)).access_token'`,
    close: () => server.stop(),
  }
}

/** Makes the library's tokens those of the demo users: it knows no users, and signs for whoever asks. */
function rememberLogins({ service }: OAuth2Server): void {
  /** Authorization codes and refresh tokens, to the user name they were given for. */
  const logins = new Map<string, string>()
  const usernameOf = ({ grant_type, username, code, ...body }: TokenRequestIncomingMessage['body']): unknown => {
    if (grant_type === 'password') return username
    const proof = grant_type === 'refresh_token' && 'refresh_token' in body ? body.refresh_token : code
    return typeof proof === 'string' ? logins.get(proof) : undefined
  }
  service.on(Events.BeforeAuthorizeRedirect, ({ url }: MutableRedirectUri, { query }: AugmentedRequest) => {
    const code = url.searchParams.get('code')
    if (code !== null && typeof query.login_hint === 'string') logins.set(code, query.login_hint)
  })
  service.on(Events.BeforeTokenSigning, ({ payload }: MutableToken, { body }: TokenRequestIncomingMessage) => {
    if (body.grant_type === 'client_credentials') shapeForMachine(payload, body.client_id)
    else shapeForPerson(payload, findUser(usernameOf(body)))
  })
  service.on(Events.BeforeResponse, (response: MutableResponse, { body }: TokenRequestIncomingMessage) => {
    if (body.grant_type === 'client_credentials' || response.body === '') return
    const person = findUser(usernameOf(body))
    const { refresh_token } = response.body
    if (person !== undefined && typeof refresh_token === 'string') logins.set(refresh_token, person.username)
    if (person !== undefined) return
    response.statusCode = 400
    const names = demoUsers.map(({ username }) => username).join(', ')
    response.body = { error: 'invalid_grant', error_description: `username or login_hint must be one of ${names}` }
  })
}

function shapeForMachine(payload: Payload, id: unknown): void {
  const clientId = typeof id === 'string' && id !== '' ? id : machine
  Object.assign(payload, { sub: `${clientId}@clients`, azp: clientId, gty: 'client-credentials', aud: localAudience })
}

/** As Auth0 does: the access token for the API with the role under its namespace, the ID token for the client. */
function shapeForPerson(payload: Payload, person: DemoLogin | undefined): void {
  if (person === undefined) return
  payload.sub = person.auth0_id
  // Of the two tokens of a login the library says in the access token alone how the person logged in.
  if (payload.amr === undefined)
    Object.assign(payload, { email: person.email, email_verified: true, name: person.display_name })
  else Object.assign(payload, { aud: localAudience, azp: 'local', [`${localNamespace}role`]: person.role })
}

function findUser(username: unknown): DemoLogin | undefined {
  return demoUsers.find((person) => person.username === username)
}
