const hexDigits = new TextEncoder().encode('0123456789abcdef')
const base64Digits = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const encoder = new TextEncoder()

/** UTF-8 text under construction, in one growing array. */
export class TextBuffer {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(capacity = 4_096) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** What was written; a view, valid until the next write. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Appends ASCII text. */
  ascii(text: string): void {
    this.#reserve(text.length)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
    this.#length = at
  }

  /** Appends any text, encoded. */
  text(text: string): void {
    this.#reserve(text.length * 3)
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
  }

  /** Appends a JSON string literal of UTF-8 bytes. */
  quoted(source: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 6 + 2)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at++] = 0x22
    for (let i = start; i < end; i++) {
      const byte = source[i] as number
      if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) bytes[at++] = byte
      else at = escapeByte(bytes, at, byte)
    }
    bytes[at++] = 0x22
    this.#length = at
  }

  /** Appends bytes as hex digits. */
  hex(source: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 2)
    let at = this.#length
    for (let i = start; i < end; i++) {
      const byte = source[i] as number
      this.#bytes[at++] = hexDigits[byte >> 4] as number
      this.#bytes[at++] = hexDigits[byte & 15] as number
    }
    this.#length = at
  }

  /** Appends bytes as padded base64. */
  base64(source: Uint8Array, start: number, end: number): void {
    this.#reserve(Math.ceil((end - start) / 3) * 4)
    let at = this.#length
    for (let i = start; i < end; i += 3) {
      const left = end - i
      const group =
        ((source[i] as number) << 16) |
        ((left > 1 ? (source[i + 1] as number) : 0) << 8) |
        (left > 2 ? (source[i + 2] as number) : 0)
      this.#bytes[at++] = base64Digits[group >> 18] as number
      this.#bytes[at++] = base64Digits[(group >> 12) & 63] as number
      this.#bytes[at++] = left > 1 ? (base64Digits[(group >> 6) & 63] as number) : 0x3d
      this.#bytes[at++] = left > 2 ? (base64Digits[group & 63] as number) : 0x3d
    }
    this.#length = at
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

const shortEscapes: Record<number, number> = { 34: 0x22, 92: 0x5c, 8: 0x62, 12: 0x66, 10: 0x6e, 13: 0x72, 9: 0x74 }

function escapeByte(bytes: Uint8Array, start: number, byte: number): number {
  let at = start
  const short = shortEscapes[byte]
  bytes[at++] = 0x5c
  if (short !== undefined) {
    bytes[at++] = short
    return at
  }
  bytes[at++] = 0x75
  bytes[at++] = 0x30
  bytes[at++] = 0x30
  bytes[at++] = hexDigits[byte >> 4] as number
  bytes[at++] = hexDigits[byte & 15] as number
  return at
}
