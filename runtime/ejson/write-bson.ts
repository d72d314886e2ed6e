import { Decimal128 } from 'bson'
import { dateJson, doubleJson, doubleText, type EjsonFormat } from './format.ts'
import type { TextBuffer } from './text-buffer.ts'

/** Element types of the BSON specification, 1.1. */
const double = 0x01
const string = 0x02
const document = 0x03
const array = 0x04
const binary = 0x05
const undefinedType = 0x06
const objectId = 0x07
const bool = 0x08
const date = 0x09
const nullType = 0x0a
const regex = 0x0b
const dbPointer = 0x0c
const code = 0x0d
const symbol = 0x0e
const codeWithScope = 0x0f
const int32 = 0x10
const timestamp = 0x11
const int64 = 0x12
const decimal128 = 0x13
const minKey = 0xff
const maxKey = 0x7f

/**
 * Writes one stored BSON document as JSON or canonical extended JSON text, straight from its bytes: no value is
 * decoded into an object in between, and the order of keys is the stored one.
 */
export function writeBson(bytes: Uint8Array, format: EjsonFormat, out: TextBuffer): void {
  new BsonWriter(bytes, format, out).document(0)
}

class BsonWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #typed: boolean
  readonly #out: TextBuffer

  constructor(bytes: Uint8Array, format: EjsonFormat, out: TextBuffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#typed = format === 'EJSON'
    this.#out = out
  }

  document(start: number): void {
    const out = this.#out
    out.ascii('{')
    let at = start + 4
    for (let first = true; ; first = false) {
      const type = this.#bytes[at++]
      if (!type) break
      const keyEnd = this.#bytes.indexOf(0, at)
      if (!first) out.ascii(',')
      out.quoted(this.#bytes, at, keyEnd)
      out.ascii(':')
      at = this.#value(type, keyEnd + 1)
    }
    out.ascii('}')
  }

  #array(start: number): void {
    const out = this.#out
    out.ascii('[')
    let at = start + 4
    for (let first = true; ; first = false) {
      const type = this.#bytes[at++]
      if (!type) break
      if (!first) out.ascii(',')
      at = this.#value(type, this.#bytes.indexOf(0, at) + 1)
    }
    out.ascii(']')
  }

  /** Writes the value at a position and returns the position after it. */
  #value(type: number, at: number): number {
    const out = this.#out
    switch (type) {
      case double:
        this.#double(this.#view.getFloat64(at, true))
        return at + 8
      case string:
        return this.#string(at)
      case document:
        this.document(at)
        return at + this.#view.getInt32(at, true)
      case array:
        this.#array(at)
        return at + this.#view.getInt32(at, true)
      case binary:
        return this.#binary(at)
      case objectId:
        this.#objectId(at)
        return at + 12
      case bool:
        out.ascii(this.#bytes[at] ? 'true' : 'false')
        return at + 1
      case date:
        this.#date(this.#view.getBigInt64(at, true))
        return at + 8
      case nullType:
        out.ascii('null')
        return at
      case undefinedType:
        out.ascii(this.#typed ? '{"$undefined":true}' : 'null')
        return at
      case int32:
        this.#wrapped('$numberInt', String(this.#view.getInt32(at, true)))
        return at + 4
      case int64:
        this.#wrapped('$numberLong', String(this.#view.getBigInt64(at, true)))
        return at + 8
      default:
        return this.#rareValue(type, at)
    }
  }

  #rareValue(type: number, at: number): number {
    const out = this.#out
    switch (type) {
      case regex:
        return this.#regex(at)
      case timestamp:
        this.#timestamp(at)
        return at + 8
      case decimal128: {
        const text = new Decimal128(this.#bytes.slice(at, at + 16)).toString()
        out.ascii(this.#typed ? `{"$numberDecimal":"${text}"}` : `"${text}"`)
        return at + 16
      }
      case symbol:
        return this.#surrounded('{"$symbol":', '}', () => this.#string(at))
      case code:
        return this.#surrounded('{"$code":', '}', () => this.#string(at))
      case codeWithScope: {
        out.ascii(this.#typed ? '{"$code":' : '{"Code":')
        const scope = this.#string(at + 4)
        out.ascii(this.#typed ? ',"$scope":' : ',"Scope":')
        this.document(scope)
        out.ascii('}')
        return at + this.#view.getInt32(at, true)
      }
      case dbPointer: {
        out.ascii(this.#typed ? '{"$dbPointer":{"$ref":' : '{"DB":')
        const id = this.#string(at)
        out.ascii(this.#typed ? ',"$id":' : ',"Pointer":')
        this.#objectId(id)
        out.ascii(this.#typed ? '}}' : '}')
        return id + 12
      }
      case minKey:
        out.ascii(this.#typed ? '{"$minKey":1}' : '{}')
        return at
      case maxKey:
        out.ascii(this.#typed ? '{"$maxKey":1}' : '{}')
        return at
      default:
        throw new Error(`BSON element type ${type} is unknown`)
    }
  }

  #double(value: number): void {
    this.#out.ascii(this.#typed ? `{"$numberDouble":"${doubleText(value)}"}` : doubleJson(value))
  }

  #wrapped(key: string, digits: string): void {
    this.#out.ascii(this.#typed ? `{"${key}":"${digits}"}` : digits)
  }

  #string(at: number): number {
    const start = at + 4
    const end = start + this.#view.getInt32(at, true)
    this.#out.quoted(this.#bytes, start, end - 1)
    return end
  }

  #objectId(at: number): void {
    const out = this.#out
    out.ascii(this.#typed ? '{"$oid":"' : '"')
    out.hex(this.#bytes, at, at + 12)
    out.ascii(this.#typed ? '"}' : '"')
  }

  #date(milliseconds: bigint): void {
    this.#out.ascii(this.#typed ? `{"$date":{"$numberLong":"${milliseconds}"}}` : dateJson(milliseconds))
  }

  #binary(at: number): number {
    const out = this.#out
    const end = at + 5 + this.#view.getInt32(at, true)
    const subType = this.#bytes[at + 4] ?? 0
    // Subtype 2 repeats the length in front of its content.
    const start = at + (subType === 2 ? 9 : 5)
    out.ascii(this.#typed ? '{"$binary":{"base64":"' : `{"Subtype":${subType},"Data":"`)
    out.base64(this.#bytes, start, end)
    out.ascii(this.#typed ? `","subType":"${subType.toString(16).padStart(2, '0')}"}}` : '"}')
    return end
  }

  #regex(at: number): number {
    const out = this.#out
    const patternEnd = this.#bytes.indexOf(0, at)
    const optionsEnd = this.#bytes.indexOf(0, patternEnd + 1)
    out.ascii(this.#typed ? '{"$regularExpression":{"pattern":' : '{"Pattern":')
    out.quoted(this.#bytes, at, patternEnd)
    out.ascii(this.#typed ? ',"options":' : ',"Options":')
    out.quoted(this.#bytes, patternEnd + 1, optionsEnd)
    out.ascii(this.#typed ? '}}' : '}')
    return optionsEnd + 1
  }

  #timestamp(at: number): void {
    const i = this.#view.getUint32(at, true)
    const t = this.#view.getUint32(at + 4, true)
    this.#out.ascii(this.#typed ? `{"$timestamp":{"t":${t},"i":${i}}}` : `{"T":${t},"I":${i}}`)
  }

  /** A string that canonical extended JSON wraps and plain JSON does not. */
  #surrounded(before: string, after: string, write: () => number): number {
    if (!this.#typed) return write()
    this.#out.ascii(before)
    const end = write()
    this.#out.ascii(after)
    return end
  }
}
