/** Replaces ranges of a text, collected in any order. Ranges must not overlap. */
export class TextEdits {
  readonly #text: string
  readonly #edits: { start: number; end: number; replacement: string }[] = []

  constructor(text: string) {
    this.#text = text
  }

  replace(start: number, end: number, replacement: string): void {
    this.#edits.push({ start, end, replacement })
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text)
  }

  apply(): string {
    let result = ''
    let position = 0
    for (const edit of this.#edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
      result += this.#text.slice(position, edit.start) + edit.replacement
      position = edit.end
    }
    return result + this.#text.slice(position)
  }
}
