/** Spec: function runtime 8. */
const maxLines = 25
const maxLineBytes = 512

/** Log lines of one run: at most 25 of at most 512 bytes. */
export class LogBuffer {
  readonly #keep: 'first' | 'last'
  readonly #lines: string[] = []

  /** @param keep triggers keep the first lines, everything else the last */
  constructor(keep: 'first' | 'last') {
    this.#keep = keep
  }

  add(text: string): void {
    if (this.#lines.length === maxLines) {
      if (this.#keep === 'first') return
      this.#lines.shift()
    }
    this.#lines.push(cutToBytes(text, maxLineBytes))
  }

  get lines(): string[] {
    return [...this.#lines]
  }
}

/** The longest start of `text` that fits into `bytes` bytes of UTF-8, no character cut in two. */
export function cutToBytes(text: string, bytes: number): string {
  const buffer = new Uint8Array(bytes)
  const { read } = new TextEncoder().encodeInto(text, buffer)
  return text.slice(0, read)
}
