import { createHash, randomBytes } from '../globals/node-crypto.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The digests of RFC 7616 and of the older RFC 2617 that both hosts have, by lower-case name. */
const hashes: Readonly<Record<string, string>> = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' }

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Challenges in a `WWW-Authenticate` value: scheme in lower case, and parameters by lower-case name. */
function challengesOf(header: string): { scheme: string; parameters: Map<string, string> }[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const token = /([!#$%&'*+.^_`|~0-9a-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gi
  for (const [, name = '', quoted, plain] of header.matchAll(token)) {
    if (quoted === undefined && plain === undefined)
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() })
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '')
  }
  return challenges
}

/**
 * The `Authorization` header that answers a `WWW-Authenticate: Digest` challenge (RFC 7616, quality `auth` or none).
 *
 * @returns undefined when the header holds no digest challenge that can be answered
 */
export function digestAuthorization(
  header: string,
  request: { readonly method: string; readonly url: URL },
  { username, password }: Credentials,
  clientNonce: string = hex(randomBytes(16)),
): string | undefined {
  for (const { scheme, parameters } of challengesOf(header)) {
    const algorithm = parameters.get('algorithm') ?? 'MD5'
    const hash = hashes[algorithm.toLowerCase().replace(/-sess$/, '')]
    const offered = parameters.get('qop')?.split(/\s*,\s*/)
    const quality = offered?.find((value) => value.toLowerCase() === 'auth')
    const nonce = parameters.get('nonce')
    if (scheme !== 'digest' || hash === undefined || nonce === undefined || (offered && quality === undefined)) continue
    const digest = (...parts: string[]) =>
      hex(
        createHash(hash)
          .update(new TextEncoder().encode(parts.join(':')))
          .digest(),
      )
    const realm = parameters.get('realm') ?? ''
    const uri = `${request.url.pathname}${request.url.search}`
    const secret = digest(username, realm, password)
    const session = /-sess$/i.test(algorithm) ? digest(secret, nonce, clientNonce) : secret
    const target = digest(request.method, uri)
    const count = '00000001'
    const response =
      quality === undefined
        ? digest(session, nonce, target)
        : digest(session, nonce, count, clientNonce, quality, target)
    const quote = (value: string) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`
    const opaque = parameters.get('opaque')
    return `Digest ${[
      `username=${quote(username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(uri)}`,
      `response="${response}"`,
      `algorithm=${algorithm}`,
      ...(quality === undefined ? [] : [`qop=${quality}`, `nc=${count}`, `cnonce="${clientNonce}"`]),
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ].join(', ')}`
  }
  return undefined
}
