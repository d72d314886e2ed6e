const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
// The largest multiple of the alphabet that fits a byte: bytes above it would favour its first letters.
const unbiasedBelow = 256 - (256 % alphabet.length)

/** Random letters and digits, each position uniform. */
export function randomToken(length: number): string {
  let token = ''
  while (token.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < unbiasedBelow && token.length < length) token += alphabet[byte % alphabet.length]
    }
  }
  return token
}
