import { DatabaseError } from '../errors.ts'
import { TYPE_BYTE } from './types.ts'
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  BsonUndefined,
  Code,
  CodeWithScope,
  DbPointer,
  Decimal128,
  type Doc,
  dateFromMillis,
  FarDate,
  Int32,
  int,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Value,
} from './value.ts'

const MAX_DEPTH = 200

interface InternedKey {
  readonly text: string
  readonly hash: number
}

// Field names repeat from document to document: one string per name saves the decoding, the memory, and makes a Map
// lookup a pointer comparison.
const internedKeys: (InternedKey | undefined)[] = new Array(8192)

function invalid(reason: string): DatabaseError {
  return new DatabaseError(22, `Invalid BSON: ${reason}`)
}

class Reader {
  readonly bytes: Buffer
  readonly view: DataView
  position: number
  constructor(bytes: Uint8Array, position: number) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
  }

  int32(): number {
    const value = this.view.getInt32(this.position, true)
    this.position += 4
    return value
  }

  int64(): bigint {
    const value = this.view.getBigInt64(this.position, true)
    this.position += 8
    return value
  }

  key(): string {
    const { bytes } = this
    const start = this.position
    let end = start
    let hash = 0
    let ascii = true
    for (let byte = bytes[end]; byte !== 0; byte = bytes[++end]) {
      if (byte === undefined) throw invalid('a field name does not end')
      if (byte > 127) ascii = false
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    this.position = end + 1
    if (!ascii || end - start > 64) return bytes.toString('utf8', start, end)
    const slot = hash & 8191
    const known = internedKeys[slot]
    if (known !== undefined && known.hash === hash && sameAscii(known.text, bytes, start, end)) return known.text
    const text = bytes.toString('latin1', start, end)
    internedKeys[slot] = { text, hash }
    return text
  }

  cstring(): string {
    const end = this.bytes.indexOf(0, this.position)
    if (end < 0) throw invalid('a string does not end')
    const text = this.bytes.toString('utf8', this.position, end)
    this.position = end + 1
    return text
  }

  string(): string {
    const length = this.int32()
    const start = this.position
    const end = start + length - 1
    if (length < 1 || end >= this.bytes.length || this.bytes[end] !== 0) throw invalid('a bad string length')
    this.position = end + 1
    return this.bytes.toString('utf8', start, end)
  }

  take(length: number): Uint8Array {
    if (length < 0 || this.position + length > this.bytes.length) throw invalid('a bad length')
    const copy = new Uint8Array(length)
    copy.set(this.bytes.subarray(this.position, this.position + length))
    this.position += length
    return copy
  }

  end(): number {
    const start = this.position
    const size = this.int32()
    const end = start + size
    if (size < 5 || end > this.bytes.length || this.bytes[end - 1] !== 0) throw invalid('a bad document size')
    return end - 1
  }

  document(depth: number): Doc {
    if (depth > MAX_DEPTH) throw new DatabaseError(15, `Exceeded maximum nested object depth: ${MAX_DEPTH}`)
    const end = this.end()
    const result: Doc = new Map()
    while (this.position < end) {
      const type = this.bytes[this.position++]!
      const key = this.key()
      result.set(key, this.value(type, depth))
    }
    if (this.position !== end) throw invalid('a document ends within a field')
    this.position = end + 1
    return result
  }

  array(depth: number): Value[] {
    if (depth > MAX_DEPTH) throw new DatabaseError(15, `Exceeded maximum nested object depth: ${MAX_DEPTH}`)
    const end = this.end()
    const result: Value[] = []
    while (this.position < end) {
      const type = this.bytes[this.position++]!
      while (this.bytes[this.position++] !== 0);
      result.push(this.value(type, depth))
    }
    if (this.position !== end) throw invalid('an array ends within an element')
    this.position = end + 1
    return result
  }

  value(type: number, depth: number): Value {
    switch (type) {
      case TYPE_BYTE.double: {
        const value = this.view.getFloat64(this.position, true)
        this.position += 8
        return value
      }
      case TYPE_BYTE.string:
        return this.string()
      case TYPE_BYTE.object:
        return this.document(depth + 1)
      case TYPE_BYTE.array:
        return this.array(depth + 1)
      case TYPE_BYTE.binData: {
        let length = this.int32()
        const subtype = this.bytes[this.position++]!
        if (subtype === 2) length = this.int32()
        return new Binary(this.take(length), subtype)
      }
      case TYPE_BYTE.undefined:
        return new BsonUndefined()
      case TYPE_BYTE.objectId:
        return new ObjectId(this.take(12))
      case TYPE_BYTE.bool:
        return this.bytes[this.position++] === 1
      case TYPE_BYTE.date:
        return dateFromMillis(this.int64())
      case TYPE_BYTE.null:
        return null
      case TYPE_BYTE.regex: {
        const pattern = this.cstring()
        return new BSONRegExp(pattern, this.cstring())
      }
      case TYPE_BYTE.dbPointer: {
        const namespace = this.string()
        return new DbPointer(namespace, new ObjectId(this.take(12)))
      }
      case TYPE_BYTE.javascript:
        return new Code(this.string())
      case TYPE_BYTE.symbol:
        return new BSONSymbol(this.string())
      case TYPE_BYTE.javascriptWithScope: {
        this.int32()
        const code = this.string()
        return new CodeWithScope(code, this.document(depth + 1))
      }
      case TYPE_BYTE.int:
        return int(this.int32())
      case TYPE_BYTE.timestamp:
        return new Timestamp(BigInt.asUintN(64, this.int64()))
      case TYPE_BYTE.long:
        return this.int64()
      case TYPE_BYTE.decimal:
        return new Decimal128(this.take(16))
      case TYPE_BYTE.minKey:
        return new MinKey()
      case TYPE_BYTE.maxKey:
        return new MaxKey()
      default:
        throw invalid(`unknown type ${type}`)
    }
  }
}

function sameAscii(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false
  return true
}

/**
 * Decodes the document that starts at `offset`.
 *
 * @throws {DatabaseError} 22 InvalidBSON; 15 Overflow when nested deeper than 200
 */
export function decodeDocument(bytes: Uint8Array, offset = 0): Doc {
  try {
    return new Reader(bytes, offset).document(1)
  } catch (error) {
    if (error instanceof RangeError) throw invalid('it ends too early')
    throw error
  }
}

class Writer {
  bytes = Buffer.allocUnsafeSlow(16384)
  view = new DataView(this.bytes.buffer)
  position = 0

  room(size: number): void {
    if (this.position + size <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.position + size))
    grown.set(this.bytes.subarray(0, this.position))
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  byte(value: number): void {
    this.room(1)
    this.bytes[this.position++] = value
  }

  int32(value: number): void {
    this.room(4)
    this.view.setInt32(this.position, value, true)
    this.position += 4
  }

  int64(value: bigint): void {
    this.room(8)
    this.view.setBigInt64(this.position, value, true)
    this.position += 8
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.bytes.set(bytes, this.position)
    this.position += bytes.length
  }

  text(value: string): void {
    const { length } = value
    this.room(length * 3 + 1)
    if (length < 48) {
      const { bytes } = this
      const start = this.position
      let index = 0
      for (; index < length; index++) {
        const code = value.charCodeAt(index)
        if (code > 127) break
        bytes[start + index] = code
      }
      if (index === length) {
        this.position += length
        return
      }
    }
    this.position += this.bytes.write(value, this.position, 'utf8')
  }

  cstring(value: string): void {
    this.text(value)
    this.byte(0)
  }

  string(value: string): void {
    const start = this.position
    this.room(4)
    this.position += 4
    this.text(value)
    this.byte(0)
    this.view.setInt32(start, this.position - start - 4, true)
  }

  document(doc: Doc): void {
    const start = this.position
    this.room(4)
    this.position += 4
    for (const [key, value] of doc) this.element(key, value)
    this.byte(0)
    this.view.setInt32(start, this.position - start, true)
  }

  array(items: readonly Value[]): void {
    const start = this.position
    this.room(4)
    this.position += 4
    for (let index = 0; index < items.length; index++) this.element(INDEX_KEYS[index] ?? String(index), items[index]!)
    this.byte(0)
    this.view.setInt32(start, this.position - start, true)
  }

  head(type: number, key: string): void {
    this.byte(type)
    this.cstring(key)
  }

  element(key: string, value: Value): void {
    switch (typeof value) {
      case 'string':
        this.head(TYPE_BYTE.string, key)
        this.string(value)
        return
      case 'number':
        this.head(TYPE_BYTE.double, key)
        this.room(8)
        this.view.setFloat64(this.position, value, true)
        this.position += 8
        return
      case 'boolean':
        this.head(TYPE_BYTE.bool, key)
        this.byte(value ? 1 : 0)
        return
      case 'bigint':
        this.head(TYPE_BYTE.long, key)
        this.int64(value)
        return
      default:
    }
    if (value === null) {
      this.head(TYPE_BYTE.null, key)
    } else if (value instanceof Int32) {
      this.head(TYPE_BYTE.int, key)
      this.int32(value.value)
    } else if (value instanceof Map) {
      this.head(TYPE_BYTE.object, key)
      this.document(value)
    } else if (Array.isArray(value)) {
      this.head(TYPE_BYTE.array, key)
      this.array(value)
    } else if (value instanceof ObjectId) {
      this.head(TYPE_BYTE.objectId, key)
      this.raw(value.id)
    } else if (value instanceof Date) {
      this.head(TYPE_BYTE.date, key)
      this.int64(value instanceof FarDate ? value.milliseconds : BigInt(value.getTime()))
    } else if (value instanceof Binary) {
      this.head(TYPE_BYTE.binData, key)
      this.binary(value)
    } else if (value instanceof Decimal128) {
      this.head(TYPE_BYTE.decimal, key)
      this.raw(value.bytes)
    } else if (value instanceof BSONRegExp) {
      this.head(TYPE_BYTE.regex, key)
      this.cstring(value.pattern)
      this.cstring(value.options)
    } else if (value instanceof Timestamp) {
      this.head(TYPE_BYTE.timestamp, key)
      this.int32(value.low)
      this.int32(value.high)
    } else if (value instanceof Code) {
      this.head(TYPE_BYTE.javascript, key)
      this.string(value.code)
    } else if (value instanceof CodeWithScope) {
      this.head(TYPE_BYTE.javascriptWithScope, key)
      const start = this.position
      this.room(4)
      this.position += 4
      this.string(value.code)
      this.document(value.scope)
      this.view.setInt32(start, this.position - start, true)
    } else if (value instanceof BSONSymbol) {
      this.head(TYPE_BYTE.symbol, key)
      this.string(value.value)
    } else if (value instanceof BsonUndefined) {
      this.head(TYPE_BYTE.undefined, key)
    } else if (value instanceof DbPointer) {
      this.head(TYPE_BYTE.dbPointer, key)
      this.string(value.namespace)
      this.raw(value.id.id)
    } else if (value instanceof MinKey) {
      this.head(TYPE_BYTE.minKey, key)
    } else if (value instanceof MaxKey) {
      this.head(TYPE_BYTE.maxKey, key)
    } else {
      throw new TypeError('not a BSON value')
    }
  }

  binary(value: Binary): void {
    const bytes = value.buffer.subarray(0, value.position)
    if (value.sub_type === 2) {
      this.int32(bytes.length + 4)
      this.byte(2)
    } else {
      this.int32(bytes.length)
      this.byte(value.sub_type)
      this.raw(bytes)
      return
    }
    this.int32(bytes.length)
    this.raw(bytes)
  }
}

const INDEX_KEYS = Array.from({ length: 1024 }, (_, index) => String(index))
const writer = new Writer()

/** The document's BSON, in bytes of its own. Decoding and encoding again gives the same bytes. */
export function encodeDocument(doc: Doc): Uint8Array {
  writer.position = 0
  writer.document(doc)
  return Uint8Array.prototype.slice.call(writer.bytes, 0, writer.position)
}
