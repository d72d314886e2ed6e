import { TYPE_BYTE } from '../bson/types.ts'
import { DatabaseError } from '../errors.ts'

/** One field of a BSON document, still in its bytes. */
export interface RawElement {
  readonly type: number
  readonly name: string
  /** Offset of the type byte. */
  readonly start: number
  /** Offset of the value. */
  readonly value: number
  readonly end: number
}

function cut(): DatabaseError {
  return new DatabaseError(22, 'Invalid BSON: a document ends within a field')
}

/** The offset behind a value of this type that starts at `at`. @throws {DatabaseError} 22 for an unknown type */
export function skipValue(bytes: Buffer, type: number, at: number): number {
  switch (type) {
    case TYPE_BYTE.double:
    case TYPE_BYTE.date:
    case TYPE_BYTE.timestamp:
    case TYPE_BYTE.long:
      return at + 8
    case TYPE_BYTE.string:
    case TYPE_BYTE.javascript:
    case TYPE_BYTE.symbol:
      return at + 4 + positive(bytes.readInt32LE(at))
    case TYPE_BYTE.object:
    case TYPE_BYTE.array:
    case TYPE_BYTE.javascriptWithScope:
      return at + positive(bytes.readInt32LE(at))
    case TYPE_BYTE.binData:
      return at + 5 + positive(bytes.readInt32LE(at))
    case TYPE_BYTE.undefined:
    case TYPE_BYTE.null:
    case TYPE_BYTE.maxKey:
    case TYPE_BYTE.minKey:
      return at
    case TYPE_BYTE.objectId:
      return at + 12
    case TYPE_BYTE.bool:
      return at + 1
    case TYPE_BYTE.regex: {
      const pattern = bytes.indexOf(0, at)
      return bytes.indexOf(0, pattern + 1) + 1
    }
    case TYPE_BYTE.dbPointer:
      return at + 4 + positive(bytes.readInt32LE(at)) + 12
    case TYPE_BYTE.int:
      return at + 4
    case TYPE_BYTE.decimal:
      return at + 16
    default:
      throw new DatabaseError(22, `Invalid BSON: unknown type ${type}`)
  }
}

function positive(length: number): number {
  if (length < 0) throw cut()
  return length
}

/**
 * The fields of the document at `offset`, not decoded.
 *
 * @throws {DatabaseError} 22 InvalidBSON
 */
export function* rawElements(bytes: Buffer, offset = 0): Generator<RawElement> {
  const end = offset + bytes.readInt32LE(offset) - 1
  for (let start = offset + 4; start < end; ) {
    const type = bytes[start]!
    const nameEnd = bytes.indexOf(0, start + 1)
    if (nameEnd < 0 || nameEnd >= end) throw cut()
    const valueEnd = skipValue(bytes, type, nameEnd + 1)
    if (valueEnd > end) throw cut()
    yield { type, name: bytes.toString('utf8', start + 1, nameEnd), start, value: nameEnd + 1, end: valueEnd }
    start = valueEnd
  }
}

const MAX_DEPTH = 200
const EMPTY_DOCUMENT_BYTES = 5

/**
 * Checks that a document and all within it end where they say.
 *
 * @returns the offset behind it
 * @throws {DatabaseError} 22 InvalidBSON, 15 Overflow for more than 200 levels
 */
export function assertSound(bytes: Buffer, offset: number, limit: number, depth = 1): number {
  if (depth > MAX_DEPTH) throw new DatabaseError(15, 'BSONObj exceeds maximum nested object depth: 200')
  if (offset + EMPTY_DOCUMENT_BYTES > limit) throw cut()
  const end = offset + bytes.readInt32LE(offset)
  if (end < offset + EMPTY_DOCUMENT_BYTES || end > limit || bytes[end - 1] !== 0) throw cut()
  for (let at = offset + 4; at < end - 1; ) {
    const type = bytes[at++]!
    while (at < end && bytes[at] !== 0) at++
    at++
    if (type === TYPE_BYTE.object || type === TYPE_BYTE.array) at = assertSound(bytes, at, end - 1, depth + 1)
    else if (at + MINIMUM_BYTES[type]! > end - 1) throw cut()
    else {
      const next = skipValue(bytes, type, at)
      if (next > end - 1 || next < at + MINIMUM_BYTES[type]!) throw cut()
      if (
        (type === TYPE_BYTE.string || type === TYPE_BYTE.javascript || type === TYPE_BYTE.symbol) &&
        (next < at + 5 || bytes[next - 1] !== 0)
      )
        throw cut()
      if (type === TYPE_BYTE.bool && bytes[at]! > 1) throw cut()
      at = next
    }
  }
  return end
}

/** What a value of each type has to have before its own lengths can be read. */
const MINIMUM_BYTES = new Uint8Array(256)
for (const [type, least] of [
  [TYPE_BYTE.double, 8],
  [TYPE_BYTE.string, 5],
  [TYPE_BYTE.binData, 5],
  [TYPE_BYTE.objectId, 12],
  [TYPE_BYTE.bool, 1],
  [TYPE_BYTE.date, 8],
  [TYPE_BYTE.regex, 2],
  [TYPE_BYTE.dbPointer, 17],
  [TYPE_BYTE.javascript, 5],
  [TYPE_BYTE.symbol, 5],
  [TYPE_BYTE.javascriptWithScope, 14],
  [TYPE_BYTE.int, 4],
  [TYPE_BYTE.timestamp, 8],
  [TYPE_BYTE.long, 8],
  [TYPE_BYTE.decimal, 16],
] as const) {
  MINIMUM_BYTES[type] = least
}

/** The field of this name. */
export function findElement(bytes: Buffer, name: string, offset = 0): RawElement | undefined {
  for (const element of rawElements(bytes, offset)) if (element.name === name) return element
  return undefined
}

/** A document of only these fields, copied. */
export function documentOf(bytes: Buffer, elements: readonly RawElement[]): Buffer {
  let length = 5
  for (const element of elements) length += element.end - element.start
  const document = Buffer.allocUnsafe(length)
  document.writeInt32LE(length, 0)
  let at = 4
  for (const element of elements) at += bytes.copy(document, at, element.start, element.end)
  document[at] = 0
  return document
}

/** The documents of the array at `offset`. @throws {DatabaseError} 14 when an element is no document */
export function rawDocuments(bytes: Buffer, offset: number, path: string): Uint8Array[] {
  const documents: Uint8Array[] = []
  const end = offset + bytes.readInt32LE(offset) - 1
  for (let start = offset + 4; start < end; ) {
    const type = bytes[start]!
    const nameEnd = bytes.indexOf(0, start + 1)
    if (nameEnd < 0 || nameEnd >= end) throw cut()
    const valueEnd = skipValue(bytes, type, nameEnd + 1)
    if (valueEnd > end) throw cut()
    if (type !== TYPE_BYTE.object) {
      throw new DatabaseError(14, `BSON field '${path}.${documents.length}' is the wrong type, expected type 'object'`)
    }
    documents.push(bytes.subarray(nameEnd + 1, valueEnd))
    start = valueEnd
  }
  return documents
}
