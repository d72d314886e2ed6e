import { setOwn } from '../functions/values.ts'

export type QueryPair = readonly [name: string, value: string]

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** Name and value pairs in their order. What cannot be decoded stays as sent. */
export function parseQuery(rawQuery: string): QueryPair[] {
  if (rawQuery === '') return []
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
    })
}

/** The first value of each key. */
export function firstValues(pairs: readonly QueryPair[]): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of pairs) {
    if (!Object.hasOwn(query, name)) setOwn(query, name, value)
  }
  return query
}

/** The query as sent, without the pairs of this name. */
export function withoutPair(rawQuery: string, name: string): string {
  return rawQuery
    .split('&')
    .filter((pair) => decode(pair.split('=', 1)[0] ?? '') !== name)
    .join('&')
}
