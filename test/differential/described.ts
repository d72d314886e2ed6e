/** Reads one value of the text that `describe` writes, from `at`. @returns the value with its keys sorted, and its end */
function readValue(text: string, at: number): readonly [value: string, end: number] {
  if (text[at] === '{') {
    const fields: string[] = []
    const end = readList(text, at + 1, '}', (start) => {
      const [name, colon] = readString(text, start)
      const [value, after] = readValue(text, colon + 2)
      fields.push(`${name}: ${value}`)
      return after
    })
    return [`{${fields.sort().join(', ')}}`, end]
  }
  if (text[at] === '[') {
    const items: string[] = []
    const end = readList(text, at + 1, ']', (start) => {
      const [value, after] = readValue(text, start)
      items.push(value)
      return after
    })
    return [`[${items.join(', ')}]`, end]
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

/** Described documents, one a line, with the keys of every document sorted: equal for documents that differ in order alone. */
export function withSortedKeys(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      try {
        const [value, end] = readValue(line, 0)
        return end === line.length ? value : line
      } catch (error) {
        if (error instanceof SyntaxError) return line
        throw error
      }
    })
    .join('\n')
}
