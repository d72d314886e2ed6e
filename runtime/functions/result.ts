import { FunctionCursor } from './mongodb/cursor.ts'
import { setOwn } from './values.ts'

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** `BSON.MinKey` and `BSON.MaxKey` are functions that stand for values. */
function standsForValue(value: unknown): value is { toBSON(): unknown } {
  return typeof value === 'function' && 'toBSON' in value && typeof value.toBSON === 'function'
}

/** True when a cursor, or what stands for a value, is in the value: results without one are handed on untouched. */
function isToRead(value: unknown, seen: Set<object>): boolean {
  if (value instanceof FunctionCursor || standsForValue(value)) return true
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  if (!Array.isArray(value) && !isPlain(value)) return false
  seen.add(value)
  return Object.values(value).some((item) => isToRead(item, seen))
}

async function readCursors(value: unknown): Promise<unknown> {
  if (value instanceof FunctionCursor) return readCursors(await value.toArray())
  if (standsForValue(value)) return value.toBSON()
  if (!isToRead(value, new Set())) return value
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value) items.push(await readCursors(item))
    return items
  }
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(Object(value))) setOwn(copy, key, await readCursors(item))
  return copy
}

/** What a function returned, every cursor in it read to an array (spec: real apps 2). */
export async function materialise(returned: unknown): Promise<unknown> {
  return readCursors(await returned)
}
