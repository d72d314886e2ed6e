import type { Binary, BSONRegExp, Code, DBRef, Long, Timestamp } from 'bson'
import { bsonKind } from '../data/bson-kind.ts'
import { dateJson, doubleJson, doubleText, type EjsonFormat } from './format.ts'
import { entriesOf } from './ordered-object.ts'

/**
 * The JSON or canonical extended JSON text of a value: BSON classes by their type, plain JS numbers as `$numberInt`,
 * `$numberLong` (safe integers) or `$numberDouble`; undefined is `{"$undefined":true}`, in JSON null.
 *
 * What functions return of JavaScript's own goes as `JSON.stringify` does it: a `toJSON` is asked, boxed values are
 * their values, holes and invalid dates null.
 *
 * @throws {TypeError} for a structure that contains itself or is nested more than 200 levels
 */
export function stringifyEjson(value: unknown, format: EjsonFormat): string {
  return stringify(value, format === 'EJSON', [])
}

/** MongoDB itself stores at most 100 levels. */
const maxDepth = 200

function stringify(value: unknown, typed: boolean, parents: readonly unknown[]): string {
  switch (bsonKind(value)) {
    case 'string':
      return quote(String(value))
    case 'bool':
    case 'null':
      return String(value)
    case 'int':
    case 'long':
    case 'double':
      return numberText(value, typed)
    case 'date':
      return dateText(value as Date, typed)
    case 'objectId':
      return typed ? `{"$oid":"${value}"}` : `"${value}"`
    case 'array':
      return `[${enter(value as unknown[], parents, (inside) => Array.from(value as unknown[], (item) => stringify(item, typed, inside)))}]`
    case 'object':
      if (standsForAnother(value as object))
        return enter(value as object, parents, (inside) => [stringify(ownJson(value as object), typed, inside)])
      return `{${enter(value as object, parents, (inside) => documentParts(value as object, typed, inside))}}`
    case undefined:
      return typed ? '{"$undefined":true}' : 'null'
    default:
      return rareText(value, typed, parents)
  }
}

/** A JSON string; a lone surrogate becomes U+FFFD, as it does when it is stored. */
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed())
}

/** True for objects of JavaScript that JSON writes as something else; a stored document has no functions. */
function standsForAnother(value: object): boolean {
  if ('toJSON' in value && typeof value.toJSON === 'function') return !('_bsontype' in value)
  return value instanceof Number || value instanceof String || value instanceof Boolean
}

function ownJson(value: object): unknown {
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value.valueOf()
}

function enter(value: object, parents: readonly unknown[], write: (parents: readonly unknown[]) => string[]): string {
  if (parents.includes(value)) throw new TypeError('the value contains itself')
  if (parents.length > maxDepth) throw new TypeError(`the value is nested more than ${maxDepth} levels`)
  return write([...parents, value]).join(',')
}

function documentParts(value: object, typed: boolean, parents: readonly unknown[]): string[] {
  return entriesOf(withoutDbRef(value))
    .filter(([, field]) => field === undefined || bsonKind(field) !== undefined)
    .filter(([, field]) => typed || field !== undefined)
    .map(([key, field]) => `${quote(String(key))}:${stringify(field, typed, parents)}`)
}

function withoutDbRef(value: object): object {
  if (!('_bsontype' in value) || value._bsontype !== 'DBRef' || Object.hasOwn(value, '_bsontype')) return value
  const { collection, oid, db, fields } = value as DBRef
  return { $ref: collection, $id: oid, ...(db ? { $db: db } : {}), ...fields }
}

function numberText(value: unknown, typed: boolean): string {
  const kind = bsonKind(value)
  if (kind === 'int' || kind === 'long')
    return wrap(kind === 'int' ? '$numberInt' : '$numberLong', String(value), typed)
  const number = Number(value)
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return wrap('$numberLong', String(value), typed)
  }
  return typed ? `{"$numberDouble":"${doubleText(number)}"}` : doubleJson(number)
}

function wrap(key: string, digits: string, typed: boolean): string {
  return typed ? `{"${key}":"${digits}"}` : digits
}

function dateText(date: Date, typed: boolean): string {
  const milliseconds = date.getTime()
  if (Number.isNaN(milliseconds)) return 'null'
  return typed ? `{"$date":{"$numberLong":"${milliseconds}"}}` : dateJson(milliseconds)
}

function rareText(value: unknown, typed: boolean, parents: readonly unknown[]): string {
  switch (bsonKind(value)) {
    case 'decimal':
      return typed ? `{"$numberDecimal":"${value}"}` : `"${value}"`
    case 'binData':
      return binaryText(value as Binary | Uint8Array, typed)
    case 'regex':
      return regexText(value as BSONRegExp | RegExp, typed)
    case 'timestamp': {
      const { t, i } = timestampParts(value as Timestamp)
      return typed ? `{"$timestamp":{"t":${t},"i":${i}}}` : `{"T":${t},"I":${i}}`
    }
    case 'symbol':
      return typed ? `{"$symbol":${quote(String(value))}}` : quote(String(value))
    case 'javascript':
      return codeText(value as Code, typed, parents)
    case 'minKey':
      return typed ? '{"$minKey":1}' : '{}'
    default:
      return typed ? '{"$maxKey":1}' : '{}'
  }
}

function binaryText(value: Binary | Uint8Array, typed: boolean): string {
  const [bytes, subType] =
    value instanceof Uint8Array ? [value, 0] : [value.buffer.subarray(0, value.position), value.sub_type]
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  const base64 = btoa(binary)
  return typed
    ? `{"$binary":{"base64":"${base64}","subType":"${subType.toString(16).padStart(2, '0')}"}}`
    : `{"Subtype":${subType},"Data":"${base64}"}`
}

function regexText(value: BSONRegExp | RegExp, typed: boolean): string {
  const [pattern, options] =
    value instanceof RegExp ? [value.source, regexOptions(value)] : [value.pattern, value.options]
  return typed
    ? `{"$regularExpression":{"pattern":${quote(pattern)},"options":"${options}"}}`
    : `{"Pattern":${quote(pattern)},"Options":"${options}"}`
}

/** The flags BSON knows, in its alphabetical order: `s` is JS's `s`, `m` is `m`, global and sticky have none. */
function regexOptions(regex: RegExp): string {
  return [regex.ignoreCase ? 'i' : '', regex.multiline ? 'm' : '', regex.dotAll ? 's' : ''].join('')
}

function timestampParts(value: Timestamp): { t: number; i: number } {
  const long: Pick<Long, 'getHighBitsUnsigned' | 'getLowBitsUnsigned'> = value
  return { t: long.getHighBitsUnsigned(), i: long.getLowBitsUnsigned() }
}

function codeText({ code, scope }: Code, typed: boolean, parents: readonly unknown[]): string {
  const text = quote(code)
  if (!scope) return typed ? `{"$code":${text}}` : text
  const scopeText = stringify(scope, typed, parents)
  return typed ? `{"$code":${text},"$scope":${scopeText}}` : `{"Code":${text},"Scope":${scopeText}}`
}
