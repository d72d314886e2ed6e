import {
  Binary,
  BSON,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'mongodb'
import { InvalidTestError, MismatchError } from './errors.ts'
import { isJson, type Json } from './format.ts'

/** What the entity operators look names up in. */
export interface MatchEntities {
  /** A saved value. @throws {InvalidTestError} when there is none of that name */
  value(name: string): unknown
  /** The `lsid` of a session entity. @throws {InvalidTestError} when there is none of that name */
  sessionLsid(name: string): unknown
}

/**
 * Asserts that `actual` matches `expected` by the rules of the unified test format ("Evaluating Matches").
 *
 * @param root the value is a root-level document, which may have further keys; it stays one through operators
 * @throws {MismatchError} with the path of the first difference
 */
export function assertMatches(
  expected: unknown,
  actual: unknown,
  entities: MatchEntities,
  root = false,
  path = '',
): void {
  const operator = specialOperator(expected)
  if (operator !== undefined && isJson(expected)) {
    assertSpecial(operator, expected[operator], actual, entities, root, path)
    return
  }
  if (actual === undefined) throw mismatch(path, expected, actual, 'is missing')
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) throw mismatch(path, expected, actual, 'is no array')
    if (actual.length !== expected.length) {
      throw mismatch(path, expected, actual, `has ${actual.length} elements, not ${expected.length}`)
    }
    for (const [index, value] of expected.entries()) {
      assertMatches(value, actual[index], entities, false, `${path}[${index}]`)
    }
    return
  }
  if (isJson(expected)) {
    const document = toDocument(actual)
    if (!document) throw mismatch(path, expected, actual, 'is no document')
    for (const [key, value] of Object.entries(expected)) {
      assertMatches(value, document[key], entities, false, path === '' ? key : `${path}.${key}`)
    }
    if (root) return
    const extra = Object.keys(document).filter((key) => !(key in expected) && document[key] !== undefined)
    if (extra.length > 0) throw mismatch(path, expected, actual, `has further keys: ${extra.join(', ')}`)
    return
  }
  if (!scalarsEqual(expected, actual)) throw mismatch(path, expected, actual, 'differs')
}

/** Asserts exact equality of documents, whatever the order of their keys (test outcomes). @throws {MismatchError} */
export function assertEqual(expected: unknown, actual: unknown, path = ''): void {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) throw mismatch(path, expected, actual, 'differs')
    for (const [index, value] of expected.entries()) assertEqual(value, actual[index], `${path}[${index}]`)
    return
  }
  if (isJson(expected)) {
    const document = toDocument(actual)
    if (!document) throw mismatch(path, expected, actual, 'is no document')
    const keys = new Set([...Object.keys(expected), ...Object.keys(document)])
    for (const key of keys) assertEqual(expected[key], document[key], path === '' ? key : `${path}.${key}`)
    return
  }
  if (!scalarsEqual(expected, actual)) throw mismatch(path, expected, actual, 'differs')
}

function specialOperator(expected: unknown): string | undefined {
  if (!isJson(expected)) return undefined
  const keys = Object.keys(expected)
  return keys.length === 1 && keys[0]?.startsWith('$$') ? keys[0] : undefined
}

function assertSpecial(
  operator: string,
  operand: unknown,
  actual: unknown,
  entities: MatchEntities,
  root: boolean,
  path: string,
): void {
  const fail = (what: string) => mismatch(path, { [operator]: operand }, actual, what)
  switch (operator) {
    case '$$exists':
      if ((actual !== undefined) !== operand) throw fail(operand ? 'is missing' : 'must not exist')
      return
    case '$$type': {
      const types: unknown[] = Array.isArray(operand) ? operand : [operand]
      const actualTypes = withNumberAlias(typeAliases(actual))
      if (!types.some((type) => actualTypes.includes(String(type)))) throw fail('is of another type')
      return
    }
    case '$$unsetOrMatches':
      if (actual !== undefined) assertMatches(operand, actual, entities, root, path)
      return
    case '$$matchesEntity':
      assertMatches(entities.value(String(operand)), actual, entities, root, path)
      return
    case '$$matchesHexBytes': {
      if (typeof operand !== 'string' || !/^([0-9a-f]{2})*$/i.test(operand)) {
        throw new InvalidTestError(`$$matchesHexBytes of ${String(operand)}`)
      }
      if (!(actual instanceof Uint8Array) || Buffer.from(actual).toString('hex') !== operand.toLowerCase()) {
        throw fail('differs')
      }
      return
    }
    case '$$sessionLsid':
      assertMatches(toDocument(entities.sessionLsid(String(operand))), actual, entities, root, path)
      return
    case '$$matchAsDocument':
      if (typeof actual !== 'string') throw fail('is no string')
      assertMatches(operand, BSON.EJSON.parse(actual, { relaxed: false }), entities, false, path)
      return
    case '$$matchAsRoot':
      assertMatches(operand, actual, entities, true, path)
      return
    case '$$lte':
      if (numberOf(actual) === undefined || Number(numberOf(actual)) > Number(operand)) throw fail('is greater')
      return
    default:
      throw new InvalidTestError(`unknown operator ${operator}`)
  }
}

/** The aliases of `$type` that hold for a value as the driver hands it out (an integral number may have been either). */
function typeAliases(value: unknown): readonly string[] {
  if (value === undefined) return []
  if (value === null) return ['null']
  if (typeof value === 'number') return Number.isInteger(value) ? ['int', 'long', 'double'] : ['double']
  if (typeof value === 'bigint' || value instanceof Timestamp)
    return value instanceof Timestamp ? ['timestamp'] : ['long']
  if (typeof value === 'string') return ['string']
  if (typeof value === 'boolean') return ['bool']
  if (Array.isArray(value)) return ['array']
  if (value instanceof Int32) return ['int']
  if (value instanceof Long) return ['long']
  if (value instanceof Double) return ['double']
  if (value instanceof Decimal128) return ['decimal']
  if (value instanceof Date) return ['date']
  if (value instanceof ObjectId) return ['objectId']
  if (value instanceof Binary || value instanceof Uint8Array) return ['binData']
  if (value instanceof RegExp || value instanceof BSONRegExp) return ['regex']
  if (value instanceof MinKey) return ['minKey']
  if (value instanceof MaxKey) return ['maxKey']
  if (value instanceof BSONSymbol) return ['symbol']
  if (value instanceof Code) return value.scope ? ['javascriptWithScope'] : ['javascript']
  return ['object']
}

/** `number` stands for the four numeric types, as in the `$type` query operator. */
function withNumberAlias(types: readonly string[]): readonly string[] {
  return types.some((type) => ['int', 'long', 'double', 'decimal'].includes(type)) ? [...types, 'number'] : types
}

/** The keys of a document, also where the driver uses a Map (`sort`, index keys, bulk results) or a class. */
function toDocument(value: unknown): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), inner]))
  if (value instanceof DBRef) {
    return {
      $ref: value.collection,
      $id: value.oid,
      ...(value.db === undefined ? {} : { $db: value.db }),
      ...value.fields,
    }
  }
  if (typeAliases(value)[0] !== 'object') return undefined
  return Object.fromEntries(Object.entries(value))
}

function numberOf(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof Int32 || value instanceof Double) return value.value
  // A Timestamp is a Long to `instanceof`, but no number.
  if (value instanceof Long && !(value instanceof Timestamp)) return value.toBigInt()
  return undefined
}

function scalarsEqual(expected: unknown, actual: unknown): boolean {
  const [left, right] = [numberOf(expected), numberOf(actual)]
  if (left !== undefined && right !== undefined) {
    // biome-ignore lint/suspicious/noDoubleEquals: 1 == 1n is the format's flexible numeric comparison
    return left == right || (Number.isNaN(left) && Number.isNaN(right))
  }
  if (typeof expected !== 'object' || expected === null) return expected === actual
  if (typeof actual !== 'object' || actual === null) return false
  return BSON.EJSON.stringify({ value: comparable(expected) }) === BSON.EJSON.stringify({ value: comparable(actual) })
}

/** One form per BSON type: the driver promotes binaries to buffers and regular expressions to `RegExp`. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Binary(value)
  if (value instanceof RegExp) return new BSONRegExp(value.source, [...value.flags].sort().join(''))
  return value
}

function mismatch(path: string, expected: unknown, actual: unknown, what: string): MismatchError {
  return new MismatchError(`${path === '' ? 'value' : path} ${what}: expected ${print(expected)}, got ${print(actual)}`)
}

/** Extended JSON on one line, cut at a readable length. */
export function print(value: unknown): string {
  if (value === undefined) return 'nothing'
  let text: string
  try {
    text =
      BSON.EJSON.stringify(value instanceof Map ? Object.fromEntries(value) : value, { relaxed: true }) ?? String(value)
  } catch {
    text = String(value)
  }
  return text.length > 400 ? `${text.slice(0, 400)}...` : text
}
