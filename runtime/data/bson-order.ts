import type { Document } from 'bson'
import { type BsonKind, bsonKind, isNumberKind } from './bson-kind.ts'
import { compareNumbers } from './bson-number.ts'

/** MongoDB's order between types; a missing value sorts as null. */
const ranks: Record<BsonKind, number> = {
  minKey: 0,
  null: 2,
  int: 3,
  long: 3,
  double: 3,
  decimal: 3,
  symbol: 4,
  string: 4,
  object: 5,
  array: 6,
  binData: 7,
  objectId: 8,
  bool: 9,
  date: 10,
  timestamp: 11,
  regex: 12,
  javascript: 13,
  maxKey: 15,
}

/**
 * Compares two values in MongoDB's BSON comparison order; numbers by value across their types.
 *
 * @returns negative, 0 or positive
 */
export function compareBson(left: unknown, right: unknown): number {
  const leftKind = bsonKind(left) ?? 'null'
  const rightKind = bsonKind(right) ?? 'null'
  const rank = ranks[leftKind] - ranks[rightKind]
  if (rank !== 0) return rank
  if (isNumberKind(leftKind)) return compareNumbers(left, right)
  if (Array.isArray(left) && Array.isArray(right)) return compareLists(left, right, compareBson)
  if (leftKind === 'object') return compareDocuments(entries(left), entries(right))
  return compareSimple(leftKind, left, right)
}

function compareSimple(kind: BsonKind, left: unknown, right: unknown): number {
  switch (kind) {
    case 'string':
    case 'symbol':
      return compareBytes(encoder.encode(String(left)), encoder.encode(String(right)))
    case 'bool':
    case 'date':
      return Number(left) - Number(right)
    case 'objectId':
    case 'timestamp':
    case 'javascript':
    case 'regex':
      return compareText(textOf(left), textOf(right))
    case 'binData': {
      const a = bytesOf(left)
      const b = bytesOf(right)
      return a.bytes.length - b.bytes.length || a.subType - b.subType || compareBytes(a.bytes, b.bytes)
    }
    default:
      return 0
  }
}

/** True when two values are the same under `compareBson`: `1` and `1.0` are, `"1"` is not. */
export function equalBson(left: unknown, right: unknown): boolean {
  return compareBson(left, right) === 0
}

const encoder = new TextEncoder()

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function compareLists<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): number {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const [a, b] = [left[i], right[i]]
    const order = a === undefined || b === undefined ? compareBson(a, b) : compare(a, b)
    if (order !== 0) return order
  }
  return left.length - right.length
}

type Entry = readonly [string, unknown]

function entries(value: unknown): Entry[] {
  return value instanceof Map ? [...value] : Object.entries(value as Document)
}

function compareDocuments(left: Entry[], right: Entry[]): number {
  return compareLists(left, right, ([aKey, a], [bKey, b]) => {
    const rank = ranks[bsonKind(a) ?? 'null'] - ranks[bsonKind(b) ?? 'null']
    return rank || compareText(aKey, bKey) || compareBson(a, b)
  })
}

function textOf(value: unknown): string {
  if (value instanceof RegExp) return `${value.source}/${value.flags}`
  const part = value as {
    _bsontype?: string
    pattern?: string
    options?: string
    code?: string
    t?: number
    i?: number
  }
  if (part._bsontype === 'BSONRegExp') return `${part.pattern}/${part.options}`
  if (part._bsontype === 'Code') return String(part.code)
  if (part._bsontype === 'Timestamp') return `${pad(part.t)}:${pad(part.i)}`
  return String(value)
}

function pad(part: number | undefined): string {
  return String(part ?? 0).padStart(10, '0')
}

function bytesOf(value: unknown): { bytes: Uint8Array; subType: number } {
  if (value instanceof Uint8Array) return { bytes: value, subType: 0 }
  const binary = value as { buffer: Uint8Array; position: number; sub_type: number }
  return { bytes: binary.buffer.subarray(0, binary.position), subType: binary.sub_type }
}
