import { encodeDocument } from '../bson/codec.ts'
import { type Doc, int, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'

/** Largest document a server gives to a client, bytes. */
const MAX_BYTES = 16 * 1024 * 1024 + 16 * 1024
/** What an event or fragment may have, so that there is room for what surrounds it. */
const MAX_FRAGMENT_BYTES = MAX_BYTES - 8 * 1024
const EMPTY_BYTES = 5

export function isTooLarge(event: Uint8Array): boolean {
  return event.length > MAX_FRAGMENT_BYTES
}

/** @throws {DatabaseError} 10334 BSONObjectTooLarge */
export function assertFits(event: Uint8Array): void {
  if (event.length <= MAX_BYTES) return
  throw new DatabaseError(
    10334,
    `BSONObj size: ${event.length} (0x${event.length.toString(16).toUpperCase()}) is invalid. Size must be between 0 and ${MAX_BYTES}(16MB) First element: _id`,
  )
}

/**
 * The fragments of an event that is too large, each with `splitEvent: { fragment, of }`: the smallest fields first, as
 * many in each as fit. The same event always gives the same fragments, so that a stream resumes between them.
 *
 * Source: MongoDB's manual, "$changeStreamSplitLargeEvent".
 *
 * @param tokenOf the resume token of a fragment, counted from 0
 * @throws {DatabaseError} 10334 when a single field is too large
 */
export function splitEvent(event: Doc, tokenOf: (fragment: number) => Doc): Uint8Array[] {
  const fields = [...event]
    .filter(([name]) => name !== '_id')
    .map(([name, value]) => ({ name, value, size: encodeDocument(new Map([[name, value]])).length - EMPTY_BYTES }))
    .sort((left, right) => left.size - right.size || (left.name < right.name ? -1 : 1))
  const parts: (typeof fields)[] = []
  const frame = encodeDocument(fragmentOf([], tokenOf(0), 1, 1)).length
  let size = Number.POSITIVE_INFINITY
  for (const field of fields) {
    if (size + field.size > MAX_FRAGMENT_BYTES) {
      parts.push([])
      size = frame
    }
    parts.at(-1)!.push(field)
    size += field.size
    if (size > MAX_FRAGMENT_BYTES) {
      throw new DatabaseError(
        10334,
        `Splitting change event failed: fragment size ${size} is greater than maximum allowed fragment size ${MAX_FRAGMENT_BYTES}`,
      )
    }
  }
  return parts.map((part, at) => encodeDocument(fragmentOf(part, tokenOf(at), at + 1, parts.length)))
}

function fragmentOf(
  fields: readonly { readonly name: string; readonly value: Value }[],
  token: Doc,
  fragment: number,
  of: number,
): Doc {
  return new Map<string, Value>([
    ['_id', token],
    [
      'splitEvent',
      new Map([
        ['fragment', int(fragment)],
        ['of', int(of)],
      ]),
    ],
    ...fields.map(({ name, value }) => [name, value] as const),
  ])
}
