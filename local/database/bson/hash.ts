import type { Collation } from './compare.ts'
import { typeOrder } from './compare.ts'
import { power10, readDecimal } from './decimal.ts'
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  CodeWithScope,
  DbPointer,
  Decimal128,
  dateMillis,
  Int32,
  ObjectId,
  Timestamp,
  timestampBits,
  type Value,
} from './value.ts'

function integerKey(value: bigint): string {
  const double = Number(value)
  return Number.isFinite(double) && BigInt(double) === value ? `n${double}` : `N${value}`
}

function decimalKey(value: Decimal128): string {
  const parts = readDecimal(value)
  if (parts.kind === 'nan') return 'nNaN'
  if (parts.kind === 'infinity') return parts.negative ? 'n-Infinity' : 'nInfinity'
  let { coefficient, exponent } = parts
  if (coefficient === 0n) return 'n0'
  while (coefficient % 10n === 0n) {
    coefficient /= 10n
    exponent++
  }
  const signed = parts.negative ? -coefficient : coefficient
  if (exponent >= 0 && exponent < 310) return integerKey(signed * power10(exponent))
  if (exponent < 0 && exponent > -400) {
    // Exactly a double when the denominator is a power of two and the numerator fits 53 bits.
    const fives = 5n ** BigInt(-exponent)
    if (coefficient % fives === 0n && coefficient / fives < 1n << 53n) {
      const double = Number(`${signed}e${exponent}`)
      if (double !== 0) return `n${double}`
    }
  }
  return `D${signed}e${exponent}`
}

/**
 * A string that two values share exactly when `valuesEqual` holds: 1, 1.0, Long 1 and Decimal 1 have the same one. For
 * grouping, sets and unique indexes. A missing value has a key of its own, other than null's.
 */
export function hashKey(value: Value | undefined, collation?: Collation): string {
  switch (typeof value) {
    case 'string': {
      const key = collation === undefined ? value : collation.key(value)
      return `s${key.length}:${key}`
    }
    case 'number':
      return value === 0 ? 'n0' : `n${value}`
    case 'boolean':
      return value ? 't' : 'f'
    case 'bigint':
      return integerKey(value)
    case 'undefined':
      return 'u'
    default:
  }
  if (value === null) return '0'
  if (value instanceof Int32) return `n${value.value}`
  if (value instanceof ObjectId) return `o${value.toHexString()}`
  if (value instanceof Date) return `d${dateMillis(value)}`
  if (value instanceof Map) {
    let key = '{'
    for (const [name, item] of value) key += `${name.length}:${name}${hashKey(item, collation)},`
    return `${key}}`
  }
  if (Array.isArray(value)) {
    let key = '['
    for (const item of value) key += `${hashKey(item, collation)},`
    return `${key}]`
  }
  if (value instanceof Decimal128) return decimalKey(value)
  if (value instanceof Binary) return `b${value.sub_type}:${value.toString('hex')}`
  if (value instanceof BSONRegExp) return `r${value.pattern.length}:${value.pattern}/${value.options}`
  if (value instanceof Timestamp) return `T${timestampBits(value)}`
  if (value instanceof BSONSymbol) return hashKey(value.value, collation)
  if (value instanceof Code) return `c${value.code.length}:${value.code}`
  if (value instanceof CodeWithScope) return `C${value.code.length}:${value.code}${hashKey(value.scope, collation)}`
  if (value instanceof DbPointer) return `p${value.namespace.length}:${value.namespace}${value.id.toHexString()}`
  return `k${typeOrder(value)}`
}
