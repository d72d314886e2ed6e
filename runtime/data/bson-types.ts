import { type Document, deserialize, serialize } from 'bson'

/** Keeps every BSON type as its class, so that typed EJSON can be written from the result. */
export const typedBsonOptions = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
  // Stored text that is no valid UTF-8 is shown with U+FFFD rather than making its document unreadable.
  validation: { utf8: false },
} as const

/** Decodes one BSON document with its types: `Int32`, `Double`, `Long`, ... instances, plain `Date` and string. */
export function decodeDocument(bytes: Uint8Array): Document {
  return deserialize(bytes, typedBsonOptions)
}

/**
 * The same value in the classes of this module's `bson`: the driver loads a copy of its own, whose instances would fail
 * `instanceof` in functions.
 */
export function withOwnBsonClasses<T>(value: T): T {
  return decodeDocument(serialize({ value })).value
}
