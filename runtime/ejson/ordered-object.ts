import type { Document } from 'bson'

export type Entry = readonly [string, unknown]

/**
 * An object of its entries in their order. A `Map` where a plain object could not hold them so: JS moves integer-like
 * keys to the front, and the BSON serializer takes an own `_bsontype` for a class of its own.
 */
export function toObject(entries: readonly Entry[]): Document {
  if (!fitsPlainObject(entries)) return new Map(entries)
  const object: Document = {}
  for (const [key, value] of entries) {
    if (key === '__proto__') {
      Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
    } else object[key] = value
  }
  return object
}

function fitsPlainObject(entries: readonly Entry[]): boolean {
  let lastInteger = -1
  let names = false
  for (const [key] of entries) {
    if (key === '_bsontype') return false
    const integer = integerKey(key)
    if (integer === undefined) names = true
    else if (names || integer < lastInteger) return false
    else lastInteger = integer
  }
  return true
}

function integerKey(key: string): number | undefined {
  const first = key.charCodeAt(0)
  if (!(first >= 0x30 && first <= 0x39) || !/^(?:0|[1-9]\d{0,9})$/.test(key)) return undefined
  const value = Number(key)
  return value < 2 ** 32 - 1 ? value : undefined
}

/** A field of a document in either representation; undefined when absent. */
export function getField(document: Document, key: string): unknown {
  if (document instanceof Map) return document.get(key)
  return Object.hasOwn(document, key) ? document[key] : undefined
}

/** The entries of a document in either representation, in order. */
export function entriesOf(document: Document): Entry[] {
  return document instanceof Map ? [...document] : Object.entries(document)
}
