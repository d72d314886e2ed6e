import type { Instant } from '../../domain/instant.ts'
import type { Decimal } from '../../domain/kpi/subscription-row.ts'

/** Called for every id of every row: the shapes are told by what they can do, because each host has its own classes. */
interface BsonLike {
  readonly sub_type?: number
  readonly toHexString?: () => string
  readonly toHex?: () => string
  readonly toNumber?: () => number
}

/**
 * A text that two ids share exactly when the database calls them equal, whatever their type: ObjectIds, strings, numbers
 * of any width, UUIDs, dates, embedded documents. Null for null and missing.
 */
export function keyOf(id: unknown): string | null {
  if (id === null || id === undefined) return null
  if (typeof id === 'string') return `s:${id}`
  if (typeof id === 'number') return `n:${numberKey(id)}`
  if (typeof id === 'boolean') return `b:${id}`
  if (typeof id !== 'object') return `?:${String(id)}`
  if (id instanceof Date) return `d:${id.getTime()}`
  if (Array.isArray(id)) return `[${id.map((item) => keyOf(item) ?? 'null').join(',')}]`
  const bson = id as BsonLike
  if (bson.sub_type !== undefined)
    return `x:${bson.sub_type}:${typeof bson.toHex === 'function' ? bson.toHex() : hexOf(id)}`
  if (typeof bson.toHexString === 'function') return `o:${bson.toHexString()}`
  if (isNumeric(id)) return `n:${numberKey(id.toString())}`
  return `{${Object.entries(id)
    .map(([name, value]) => `${JSON.stringify(name)}:${keyOf(value) ?? 'null'}`)
    .join(',')}}`
}

/**
 * One text for one number, exact beyond 2^53 too: 64-bit ids that follow each other are the same double.
 *
 * @param value a double, or the decimal text of a Long or Decimal128
 */
function numberKey(value: number | string): string {
  const plain = Number(value)
  if (Number.isSafeInteger(plain) || !Number.isFinite(plain)) return String(plain)
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value.replace(/^(-?)0+/, '$1')
  return Number.isInteger(plain) && Math.abs(plain) < 1e21 ? plain.toFixed(0) : String(plain)
}

function hexOf(binary: object): string {
  return (binary as { toString(encoding: string): string }).toString('hex')
}

/** Int32, Double, Long and Decimal128 of any host: they print as a number. */
function isNumeric(value: object): boolean {
  if (value instanceof Date || Array.isArray(value)) return false
  const bson = value as BsonLike & { readonly _bsontype?: string; readonly bytes?: unknown }
  const known =
    bson._bsontype === undefined
      ? typeof bson.toNumber === 'function' || bson.bytes !== undefined
      : /^(Int32|Double|Long|Decimal128)$/.test(bson._bsontype)
  return known && value.toString().trim() !== '' && !Number.isNaN(Number(value.toString()))
}

/** The instant of a stored date; null for anything else. */
export function toInstant(value: unknown): Instant | null {
  if (!(value instanceof Date)) return null
  const instant = value.getTime()
  return Number.isNaN(instant) ? null : instant
}

/** A stored amount; null when absent, `invalid` when it is no finite number. */
export function toDecimal(value: unknown): Decimal | 'invalid' | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isFinite(value) ? value : 'invalid'
  if (typeof value === 'object' && isNumeric(value)) {
    const text = value.toString()
    return Number.isFinite(Number(text)) ? text : 'invalid'
  }
  return 'invalid'
}

/** A stored number as a plain one; NaN when it is none. */
export function toNumber(value: unknown): number {
  const decimal = toDecimal(value)
  return decimal === null || decimal === 'invalid' ? Number.NaN : Number(decimal)
}

/** A stored currency; null when absent. What is no text is none, and no known one either. */
export function toCurrency(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? toText(value) : '?'
}

/** A stored plan; null when absent, false when it is no text. */
export function toPlan(value: unknown): string | false | null {
  return value === null || value === undefined || typeof value === 'string' ? toText(value) : false
}

/** True for what stands where a date belongs and is none. */
export function isBrokenDate(value: unknown): boolean {
  return value !== null && value !== undefined && toInstant(value) === null
}

export function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
