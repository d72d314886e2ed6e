import { FunctionCursor } from './mongodb/cursor.ts'
import { setOwn } from './values.ts'

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** True when a cursor stands in the value: results without one are handed on untouched. */
function holdsCursor(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  if (value instanceof FunctionCursor) return true
  if (!Array.isArray(value) && !isPlain(value)) return false
  seen.add(value)
  return Object.values(value).some((item) => holdsCursor(item, seen))
}

async function readCursors(value: unknown): Promise<unknown> {
  if (value instanceof FunctionCursor) return readCursors(await value.toArray())
  if (!holdsCursor(value, new Set())) return value
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
