import { expect } from 'vitest'

const patterns: Readonly<Record<string, RegExp>> = {
  'a token': /\beyJ[\w-]{8,}\.[\w-]{8,}\./,
  'an address of mail': /[\w.+-]+@[\w-]+\.[\w.-]+/,
  'an address of the network': /\b(?:\d{1,3}\.){3}\d{1,3}\b(?!:\d+)/,
  'a connection string with a password': /mongodb(?:\+srv)?:\/\/[^\s"]*@/,
  'a private key': /-----BEGIN/,
  'an API key': /\b[A-Za-z0-9]{64}\b/,
}

/**
 * Asserts that no line holds a secret: none of `secrets`, and nothing that looks like a token, an API key, or an address
 * of mail or network.
 */
export function expectNoSecrets(lines: readonly string[], secrets: readonly string[] = []): void {
  const found = lines.flatMap((line) => [
    ...Object.entries(patterns).flatMap(([what, pattern]) => (pattern.test(line) ? [`${what}: ${line}`] : [])),
    ...secrets.flatMap((secret) => (secret !== '' && line.includes(secret) ? [`a secret of the test: ${line}`] : [])),
  ])
  expect(found).toEqual([])
}
