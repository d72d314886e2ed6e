const encoder = new TextEncoder()

export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
}

/** Compares two texts in a time that tells nothing about where they differ. */
export async function constantTimeEqual(left: string, right: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [left, right].map(async (text) => new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))),
  )
  let difference = 0
  for (let i = 0; i < 32; i++) difference |= (a?.[i] ?? 0) ^ (b?.[i] ?? 1)
  return difference === 0
}

/** Lower-case hex HMAC-SHA256 of the very bytes. */
export async function hmacSha256Hex(secret: string, message: Uint8Array): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  // WebCrypto refuses an empty key; HMAC pads with zeros, so one zero byte is the same key.
  const raw = secret === '' ? new Uint8Array(1) : encoder.encode(secret)
  const key = await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign'])
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', key, new Uint8Array(message))))
}

// Workers refuse more than 100,000 PBKDF2 iterations; SHA-512 makes each of them dearer for graphics cards.
const iterations = 100_000

async function derive(password: string, salt: Uint8Array<ArrayBuffer>, rounds: number): Promise<string> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, ['deriveBits'])
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt, iterations: rounds }, key, 256)
  return toHex(new Uint8Array(bits))
}

/** `pbkdf2-sha512$<iterations>$<salt hex>$<hash hex>` */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  return `pbkdf2-sha512$${iterations}$${toHex(salt)}$${await derive(password, salt, iterations)}`
}

export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, rounds, salt, hash] = stored.split('$')
  if (scheme !== 'pbkdf2-sha512' || rounds === undefined || salt === undefined || hash === undefined) return false
  return constantTimeEqual(await derive(password, fromHex(salt), Number(rounds)), hash)
}

/** Spends the time of a verification, so that an unknown account answers no sooner than a wrong password. */
export async function verifyNothing(password: string): Promise<false> {
  await derive(password, new Uint8Array(16), iterations)
  return false
}
