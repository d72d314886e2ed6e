import type { Collation } from '../bson/compare.ts'
import { readDecimal } from '../bson/decimal.ts'
import { TYPE_ORDER } from '../bson/types.ts'
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
  dateMillis,
  Int32,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  timestampBits,
  type Value,
} from '../bson/value.ts'

const NUMBER_NAN = 1
const NUMBER_NEGATIVE = 2
const NUMBER_ZERO = 3
const NUMBER_POSITIVE = 4

/** What follows the eight bytes of the nearest double towards zero: how much more the number is. */
const TAIL_NONE = 0
const TAIL_TINY = 1
const TAIL_FRACTION = 2
const TAIL_HUGE = 3

let scratch = Buffer.allocUnsafeSlow(1024)
let at = 0

function room(size: number): void {
  if (at + size <= scratch.length) return
  const grown = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + size))
  scratch.copy(grown, 0, 0, at)
  scratch = grown
}

function putByte(value: number): void {
  room(1)
  scratch[at++] = value
}

function putText(text: string): void {
  room(text.length * 3 + 1)
  const start = at
  let index = 0
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0 || code > 127) break
    scratch[at++] = code
  }
  if (index < text.length) {
    at = start
    const bytes = Buffer.from(text, 'utf8')
    room(bytes.length * 2 + 1)
    for (const byte of bytes) {
      scratch[at++] = byte
      if (byte === 0) scratch[at++] = 0xff
    }
  }
  putByte(0)
}

function putBytes(bytes: Uint8Array): void {
  room(bytes.length)
  scratch.set(bytes, at)
  at += bytes.length
}

function putUint64(value: bigint): void {
  room(8)
  scratch.writeBigUInt64BE(value, at)
  at += 8
}

const TWO_128 = 1n << 128n

function putFraction(fraction: bigint): void {
  putUint64(fraction >> 64n)
  putUint64(fraction & 0xffffffffffffffffn)
}

function putDouble(magnitude: number): void {
  room(9)
  scratch.writeDoubleBE(magnitude, at)
  at += 8
}

/** Mantissa and exponent of a non-negative finite double: `mantissa * 2^exponent`, the unit in the last place 2^exponent. */
function doubleParts(value: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const raw = bits.getBigUint64(0)
  const biased = Number(raw >> 52n)
  const low = raw & 0xfffffffffffffn
  return biased === 0
    ? { mantissa: low, exponent: -1074 }
    : { mantissa: low | 0x10000000000000n, exponent: biased - 1075 }
}

function previousDouble(value: number): number {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  bits.setBigUint64(0, bits.getBigUint64(0) - 1n)
  return bits.getFloat64(0)
}

function putBigMagnitude(magnitude: bigint): void {
  let double = Number(magnitude)
  if (BigInt(double) > magnitude) double = previousDouble(double)
  putDouble(double)
  const rest = magnitude - BigInt(double)
  if (rest === 0n) {
    putByte(TAIL_NONE)
    return
  }
  putByte(TAIL_FRACTION)
  putFraction((rest << 128n) >> BigInt(Math.max(0, doubleParts(double).exponent)))
}

function putDecimalMagnitude(coefficient: bigint, exponent: number): void {
  let double = Number(`${coefficient}e${exponent}`)
  if (double === Number.POSITIVE_INFINITY) double = Number.MAX_VALUE
  for (;;) {
    const parts = doubleParts(double)
    const shift = 128 - parts.exponent
    let scaled = coefficient
    if (shift >= 0) scaled <<= BigInt(shift)
    let divisor = shift < 0 ? 1n << BigInt(-shift) : 1n
    if (exponent >= 0) scaled *= 10n ** BigInt(exponent)
    else divisor *= 10n ** BigInt(-exponent)
    const quotient = scaled / divisor
    const fraction = quotient - (parts.mantissa << 128n)
    if (fraction < 0n) {
      double = previousDouble(double)
      continue
    }
    putDouble(double)
    if (fraction === 0n && quotient * divisor === scaled) putByte(TAIL_NONE)
    else if (fraction === 0n) putScientific(TAIL_TINY, coefficient, exponent)
    else if (fraction >= TWO_128) putScientific(TAIL_HUGE, coefficient, exponent)
    else {
      putByte(TAIL_FRACTION)
      putFraction(fraction)
    }
    return
  }
}

function putScientific(tail: number, coefficient: bigint, exponent: number): void {
  const digits = coefficient.toString()
  putByte(tail)
  room(2)
  scratch.writeUInt16BE(exponent + digits.length + 16384, at)
  at += 2
  putBytes(Buffer.from(digits.padEnd(40, '0'), 'latin1'))
}

function putSigned(negative: boolean, putMagnitude: () => void): void {
  putByte(negative ? NUMBER_NEGATIVE : NUMBER_POSITIVE)
  const start = at
  putMagnitude()
  if (negative) invert(start)
}

function putNumber(value: number | bigint | Decimal128): void {
  putByte(TYPE_ORDER.number)
  if (typeof value === 'number') {
    if (value === 0) putByte(NUMBER_ZERO)
    else if (Number.isNaN(value)) putByte(NUMBER_NAN)
    else {
      putSigned(value < 0, () => {
        putDouble(Math.abs(value))
        putByte(TAIL_NONE)
      })
    }
  } else if (typeof value === 'bigint') {
    if (value === 0n) putByte(NUMBER_ZERO)
    else putSigned(value < 0n, () => putBigMagnitude(value < 0n ? -value : value))
  } else {
    const decimal = readDecimal(value)
    if (decimal.kind === 'nan') putByte(NUMBER_NAN)
    else if (decimal.kind === 'infinity') {
      putSigned(decimal.negative, () => {
        putDouble(Number.POSITIVE_INFINITY)
        putByte(TAIL_NONE)
      })
    } else if (decimal.coefficient === 0n) putByte(NUMBER_ZERO)
    else putSigned(decimal.negative, () => putDecimalMagnitude(decimal.coefficient, decimal.exponent))
  }
}

function invert(start: number): void {
  for (let index = start; index < at; index++) scratch[index] = ~scratch[index]! & 0xff
}

function putDoc(document: Doc, collation: Collation | undefined): void {
  for (const [name, value] of document) {
    const typeAt = at
    putByte(0)
    putText(name)
    const valueAt = at
    putValue(value, collation)
    scratch[typeAt] = scratch[valueAt]!
  }
  putByte(0)
}

function putValue(value: Value | undefined, collation: Collation | undefined): void {
  if (typeof value === 'string') {
    putByte(TYPE_ORDER.string)
    putText(collation === undefined ? value : collation.key(value))
  } else if (typeof value === 'number' || typeof value === 'bigint') putNumber(value)
  else if (value === undefined || value === null) putByte(TYPE_ORDER.null)
  else if (typeof value === 'boolean') {
    putByte(TYPE_ORDER.bool)
    putByte(value ? 2 : 1)
  } else if (value instanceof Int32) putNumber(value.value)
  else if (value instanceof ObjectId) {
    putByte(TYPE_ORDER.objectId)
    putBytes(value.id)
  } else if (value instanceof Date) {
    putByte(TYPE_ORDER.date)
    putUint64(BigInt.asUintN(64, BigInt(dateMillis(value)) ^ (1n << 63n)))
  } else if (value instanceof Decimal128) putNumber(value)
  else if (Array.isArray(value)) {
    putByte(TYPE_ORDER.array)
    for (const item of value) putValue(item, collation)
    putByte(0)
  } else if (value instanceof Map) {
    putByte(TYPE_ORDER.object)
    putDoc(value, collation)
  } else if (value instanceof Binary) {
    putByte(TYPE_ORDER.binData)
    room(5)
    at = scratch.writeUInt32BE(value.position, at)
    putByte(value.sub_type)
    putBytes(value.buffer.subarray(0, value.position))
  } else if (value instanceof Timestamp) {
    putByte(TYPE_ORDER.timestamp)
    putUint64(timestampBits(value))
  } else if (value instanceof BSONRegExp) {
    putByte(TYPE_ORDER.regex)
    putText(value.pattern)
    putText(value.options)
  } else if (value instanceof BSONSymbol) {
    putByte(TYPE_ORDER.string)
    putText(collation === undefined ? value.value : collation.key(value.value))
  } else if (value instanceof BsonUndefined) putByte(TYPE_ORDER.undefined)
  else if (value instanceof MinKey) putByte(TYPE_ORDER.minKey)
  else if (value instanceof MaxKey) putByte(TYPE_ORDER.maxKey)
  else if (value instanceof DbPointer) {
    putByte(TYPE_ORDER.dbPointer)
    room(4)
    at = scratch.writeUInt32BE(value.namespace.length, at)
    putText(value.namespace)
    putBytes(value.id.id)
  } else if (value instanceof CodeWithScope) {
    putByte(TYPE_ORDER.codeWithScope)
    putText(value.code)
    putDoc(value.scope, collation)
  } else if (value instanceof Code) {
    putByte(TYPE_ORDER.code)
    putText(value.code)
  } else throw new TypeError('not a BSON value')
}

/**
 * Encodes one value so that comparing two such strings with `<` and `===` is comparing the values in BSON order; equal
 * numbers of different types give the same string. Each character is one byte.
 *
 * Source of the idea: MongoDB's KeyString. Missing counts as null, as it does in an index.
 */
export function keyString(value: Value | undefined, collation?: Collation): string {
  at = 0
  putValue(value, collation)
  return scratch.toString('latin1', 0, at)
}

/** Encodes a compound key, one value a field. @param descending which fields sort the other way round */
export function compoundKeyString(
  values: readonly (Value | undefined)[],
  descending: readonly boolean[],
  collation?: Collation,
): string {
  at = 0
  for (let index = 0; index < values.length; index++) {
    const start = at
    putValue(values[index], collation)
    if (descending[index]) invert(start)
  }
  return scratch.toString('latin1', 0, at)
}

/** The encoding of the same value in a descending field. */
export function invertedKey(key: string): string {
  const bytes = Buffer.from(key, 'latin1')
  for (let index = 0; index < bytes.length; index++) bytes[index] = ~bytes[index]! & 0xff
  return bytes.toString('latin1')
}

/** The least string above every string that starts with `prefix`. */
export function afterPrefix(prefix: string): string {
  let end = prefix.length
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end--
  // Nothing is above a prefix of 255s only, which no key has; the longest such string serves as the end.
  if (end === 0) return '\xff'.repeat(16)
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1)
}
