/**
 * The globals of the App Services function runtime that the functions here use (spec: function runtime 4).
 * No module may be imported for them: they exist only inside a call.
 */
declare const BSON: {
  ObjectId(hex?: string): unknown
}

declare const EJSON: {
  parse(text: string): unknown
  stringify(value: unknown): string
}

declare const utils: {
  crypto: {
    hash(algorithm: 'sha1' | 'sha256' | 'md5', input: string): { toHex(): string }
    hmac(input: string, secret: string, algorithm: 'sha256', output: 'hex' | 'base64'): string
  }
}

declare const console: {
  log(...parts: unknown[]): void
  warn(...parts: unknown[]): void
  error(...parts: unknown[]): void
}
