import { type Doc, isDoc, type Value } from '../bson/value.ts'

const known = new Map<string, readonly string[]>()

/** `a.b.0` as its parts; the same array for the same path. */
export function splitPath(path: string): readonly string[] {
  let parts = known.get(path)
  if (parts === undefined) {
    parts = path.split('.')
    if (known.size > 20_000) known.clear()
    known.set(path, parts)
  }
  return parts
}

/** The array index that a path part names, or -1. */
export function arrayIndex(part: string): number {
  if (!/^(?:0|[1-9]\d{0,8})$/.test(part)) return -1
  return Number(part)
}

/** The value at a path through documents only: arrays are not entered. */
export function getPlain(doc: Doc, parts: readonly string[]): Value | undefined {
  let value: Value | undefined = doc
  for (const part of parts) {
    if (!isDoc(value)) return undefined
    value = value.get(part)
  }
  return value
}
