/** A document, an array or a scalar, read from the text that `describe` writes; a scalar stays its text. */
export type Described = string | readonly Described[] | ReadonlyMap<string, Described>

/** The documents of an answer, one a line; a line that is none (an error, counts) stays as it is. */
export function parseDescribed(text: string): Described[] {
  return text.split('\n').map((line) => {
    try {
      const [value, end] = readValue(line, 0)
      return end === line.length ? value : line
    } catch (error) {
      if (error instanceof SyntaxError) return line
      throw error
    }
  })
}

export function printDescribed(values: readonly Described[]): string {
  return values.map(print).join('\n')
}

function print(value: Described): string {
  if (typeof value === 'string') return value
  if (value instanceof Map) return `{${[...value].map(([name, inner]) => `${name}: ${print(inner)}`).join(', ')}}`
  return `[${[...value.values()].map((inner) => print(inner)).join(', ')}]`
}

/** A copy in which every value went through `change`, the innermost first; a value that becomes undefined is left out. */
export function rewriteDescribed(value: Described, change: (value: Described) => Described | undefined): Described {
  return rewrite(value, change) ?? 'nothing'
}

function rewrite(value: Described, change: (value: Described) => Described | undefined): Described | undefined {
  if (typeof value === 'string') return change(value)
  if (value instanceof Map) {
    const fields = new Map<string, Described>()
    for (const [name, inner] of value) {
      const rewritten = rewrite(inner, change)
      if (rewritten !== undefined) fields.set(name, rewritten)
    }
    return change(fields)
  }
  return change([...value.values()].map((inner) => rewrite(inner, change)).filter((inner) => inner !== undefined))
}

/**
 * Reads one value, from `at`.
 *
 * @returns the value and its end
 * @throws {SyntaxError} when there is none
 */
function readValue(text: string, at: number): readonly [value: Described, end: number] {
  if (text[at] === '{') {
    const fields = new Map<string, Described>()
    const end = readList(text, at + 1, '}', (start) => {
      const [name, colon] = readString(text, start)
      const [value, after] = readValue(text, colon + 2)
      if (fields.has(name)) throw new SyntaxError(`${name} twice`)
      fields.set(name, value)
      return after
    })
    return [fields, end]
  }
  if (text[at] === '[') {
    const items: Described[] = []
    const end = readList(text, at + 1, ']', (start) => {
      const [value, after] = readValue(text, start)
      items.push(value)
      return after
    })
    return [items, end]
  }
  if (text[at] === '"') return readString(text, at)
  const scalar = /^\w+(\([^)]*\))?/.exec(text.slice(at))?.[0]
  if (scalar === undefined) throw new SyntaxError(`no value at ${at}`)
  return [scalar, at + scalar.length]
}

function readList(text: string, at: number, close: string, readItem: (at: number) => number): number {
  let next = at
  while (text[next] !== close) {
    next = readItem(next)
    if (text.startsWith(', ', next)) next += 2
    else if (text[next] !== close) throw new SyntaxError(`no end at ${next}`)
  }
  return next + 1
}

function readString(text: string, at: number): readonly [value: string, end: number] {
  const string = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))?.[0]
  if (string === undefined) throw new SyntaxError(`no string at ${at}`)
  return [string, at + string.length]
}
