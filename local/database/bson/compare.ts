import { compareDecimals, compareDecimalWith } from './decimal.ts'
import { orderOf, TYPE_ORDER } from './types.ts'
import {
  type Binary,
  type BSONRegExp,
  BSONSymbol,
  type Code,
  type CodeWithScope,
  type DbPointer,
  Decimal128,
  type Doc,
  dateMillis,
  Int32,
  NAMES_BY_CLASS,
  type ObjectId,
  type Timestamp,
  timestampBits,
  type Value,
} from './value.ts'

/** How strings compare under a collation. */
export interface Collation {
  compare(a: string, b: string): number
  /** Equal for strings that the collation holds equal. */
  key(text: string): string
}

const ORDER_BY_CLASS = new Map([...NAMES_BY_CLASS].map(([type, name]) => [type, orderOf(name)]))

/** The place of a value's type in the BSON comparison order; types with the same place compare with each other. */
export function typeOrder(value: Value | undefined): number {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return TYPE_ORDER.number
    case 'string':
      return TYPE_ORDER.string
    case 'boolean':
      return TYPE_ORDER.bool
    case 'undefined':
      return TYPE_ORDER.undefined
    default:
      if (value === null) return TYPE_ORDER.null
      return ORDER_BY_CLASS.get(value.constructor) ?? TYPE_ORDER.undefined
  }
}

/** Order of the strings' UTF-8 bytes. JavaScript's own `<` differs where surrogates meet U+E000 to U+FFFF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left === right) continue
    if (left >= 0xd800 && right >= 0xd800) {
      const leftSurrogate = left <= 0xdfff
      if (leftSurrogate !== right <= 0xdfff) return leftSurrogate ? 1 : -1
    }
    return left < right ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

function compareDoubles(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  const leftNaN = Number.isNaN(a)
  return leftNaN === Number.isNaN(b) ? 0 : leftNaN ? -1 : 1
}

/** Mathematical order of two numbers of any BSON type; NaN is below all. */
export function compareNumbers(
  a: number | bigint | Int32 | Decimal128,
  b: number | bigint | Int32 | Decimal128,
): number {
  const left = a instanceof Int32 ? a.value : a
  const right = b instanceof Int32 ? b.value : b
  if (typeof left === 'number' && typeof right === 'number') return compareDoubles(left, right)
  if (left instanceof Decimal128) {
    return right instanceof Decimal128 ? compareDecimals(left, right) : compareDecimalWith(left, right)
  }
  if (right instanceof Decimal128) return -compareDecimalWith(right, left)
  if (left < right) return -1
  if (left > right) return 1
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals a number of the same value only this way
  return left == right ? 0 : Number.isNaN(left) ? -1 : 1
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const difference = a[index]! - b[index]!
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return Math.sign(a.length - b.length)
}

function compareDocs(a: Doc, b: Doc, collation: Collation | undefined): number {
  const left = a.entries()
  const right = b.entries()
  for (;;) {
    const l = left.next()
    const r = right.next()
    if (l.done) return r.done ? 0 : -1
    if (r.done) return 1
    const [leftKey, leftValue] = l.value
    const [rightKey, rightValue] = r.value
    const order = typeOrder(leftValue) - typeOrder(rightValue)
    if (order !== 0) return order < 0 ? -1 : 1
    const name = compareStrings(leftKey, rightKey)
    if (name !== 0) return name
    const value = compareValues(leftValue, rightValue, collation)
    if (value !== 0) return value
  }
}

function compareArrays(a: readonly Value[], b: readonly Value[], collation: Collation | undefined): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const order = compareValues(a[index], b[index], collation)
    if (order !== 0) return order
  }
  return Math.sign(a.length - b.length)
}

function compareBinaries(a: Binary, b: Binary): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1
  if (a.sub_type !== b.sub_type) return a.sub_type < b.sub_type ? -1 : 1
  return compareBytes(a.buffer.subarray(0, a.position), b.buffer.subarray(0, b.position))
}

const text = (value: Value): string => (value instanceof BSONSymbol ? value.value : (value as string))

function compareSameOrder(order: number, a: Value, b: Value, collation: Collation | undefined): number {
  switch (order) {
    case TYPE_ORDER.number:
      return compareNumbers(a as Int32, b as Int32)
    case TYPE_ORDER.string:
      return collation === undefined ? compareStrings(text(a), text(b)) : collation.compare(text(a), text(b))
    case TYPE_ORDER.object:
      return compareDocs(a as Doc, b as Doc, collation)
    case TYPE_ORDER.array:
      return compareArrays(a as Value[], b as Value[], collation)
    case TYPE_ORDER.binData:
      return compareBinaries(a as Binary, b as Binary)
    case TYPE_ORDER.objectId:
      return compareBytes((a as ObjectId).id, (b as ObjectId).id)
    case TYPE_ORDER.bool:
      return Number(a) - Number(b)
    case TYPE_ORDER.date: {
      const left = dateMillis(a as Date)
      const right = dateMillis(b as Date)
      return left < right ? -1 : left > right ? 1 : 0
    }
    case TYPE_ORDER.timestamp: {
      const left = timestampBits(a as Timestamp)
      const right = timestampBits(b as Timestamp)
      return left < right ? -1 : left > right ? 1 : 0
    }
    case TYPE_ORDER.regex: {
      const left = a as BSONRegExp
      const right = b as BSONRegExp
      return compareStrings(left.pattern, right.pattern) || compareStrings(left.options, right.options)
    }
    case TYPE_ORDER.dbPointer: {
      const left = a as DbPointer
      const right = b as DbPointer
      return (
        Math.sign(left.namespace.length - right.namespace.length) ||
        compareStrings(left.namespace, right.namespace) ||
        compareBytes(left.id.id, right.id.id)
      )
    }
    case TYPE_ORDER.code:
      return compareStrings((a as Code).code, (b as Code).code)
    case TYPE_ORDER.codeWithScope: {
      const left = a as CodeWithScope
      const right = b as CodeWithScope
      return compareStrings(left.code, right.code) || compareDocs(left.scope, right.scope, collation)
    }
    default:
      return 0
  }
}

/**
 * BSON order across all types: -1, 0 or 1. A missing value sorts as the deprecated undefined does, before null (where
 * MongoDB treats missing as null, as in sorting, the caller says so).
 *
 * @see https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
 */
export function compareValues(a: Value | undefined, b: Value | undefined, collation?: Collation): number {
  if (a === b && typeof a !== 'object') return 0
  if (typeof a === 'number' && typeof b === 'number') return compareDoubles(a, b)
  if (a instanceof Int32 && b instanceof Int32) return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') {
    return collation === undefined ? compareStrings(a, b) : collation.compare(a, b)
  }
  const left = typeOrder(a)
  const right = typeOrder(b)
  if (left !== right) return left < right ? -1 : 1
  return a === undefined || b === undefined ? 0 : compareSameOrder(left, a, b, collation)
}

/** Equality as `compareValues` sees it: numbers of different types may be equal, field order counts. */
export function valuesEqual(a: Value | undefined, b: Value | undefined, collation?: Collation): boolean {
  if (typeof a === 'string' && typeof b === 'string' && collation === undefined) return a === b
  return compareValues(a, b, collation) === 0
}

/** Same type and same bits: what decides whether an update changed anything (1 and 1.0 are not identical). */
export function valuesIdentical(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return a !== 0 || Object.is(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (a.constructor !== b.constructor) return false
  if (Array.isArray(a)) {
    const other = b as Value[]
    return a.length === other.length && a.every((item, index) => valuesIdentical(item, other[index]))
  }
  if (a instanceof Map) return identicalDocs(a, b as Doc)
  if (a instanceof Decimal128) return compareBytes(a.bytes, (b as Decimal128).bytes) === 0
  return compareValues(a, b) === 0
}

function identicalDocs(a: Doc, b: Doc): boolean {
  if (a.size !== b.size) return false
  const right = b.entries()
  for (const [key, value] of a) {
    const other = right.next().value
    if (other === undefined || other[0] !== key || !valuesIdentical(value, other[1])) return false
  }
  return true
}
