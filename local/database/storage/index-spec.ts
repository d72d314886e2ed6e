import { valuesEqual, valuesIdentical } from '../bson/compare.ts'
import { Decimal128, type Doc, Int32, int, isDoc, isNumber, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { isWildcardField, parseWildcard, type Wildcard } from './wildcard.ts'

/** An index as `createIndexes` described it, checked. */
export interface IndexSpec {
  readonly name: string
  /** As given: `{ a: 1, b: -1 }`. */
  readonly key: Doc
  readonly fields: readonly string[]
  readonly paths: readonly (readonly string[])[]
  readonly descending: readonly boolean[]
  readonly unique: boolean
  readonly sparse: boolean
  /** New duplicates are refused, old ones may stay until `collMod` makes the index unique. */
  readonly prepareUnique: boolean
  readonly hidden: boolean
  readonly partialFilter?: Doc
  readonly expireAfterSeconds?: number
  readonly collation?: Doc
  readonly wildcard?: Wildcard
  /** Listed, but not used to find anything: a compound wildcard index. */
  readonly catalogOnly: boolean
  /** What `listIndexes` answers. */
  readonly description: Doc
}

const OPTIONS = new Set([
  'v',
  'key',
  'name',
  'ns',
  'unique',
  'sparse',
  'background',
  'hidden',
  'partialFilterExpression',
  'expireAfterSeconds',
  'collation',
  'wildcardProjection',
  'storageEngine',
  'clustered',
  'prepareUnique',
  'dropDups',
])

const OTHER_KINDS = new Set(['text', '2d', '2dsphere', '2dsphere_bucket', 'geoHaystack', 'columnstore'])

/** The name MongoDB gives an index without one: `a_1_b_-1`. */
export function defaultIndexName(key: Doc): string {
  return [...key].map(([field, direction]) => `${field}_${directionText(direction)}`).join('_')
}

function directionText(direction: Value): string {
  return direction instanceof Int32 ? String(direction.value) : String(direction)
}

function toNumber(value: Value): number {
  if (value instanceof Int32) return value.value
  if (value instanceof Decimal128) return Number(value.toString())
  return Number(value)
}

function truthy(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === false) return false
  return isNumber(value) ? toNumber(value) !== 0 : true
}

/**
 * Checks one element of `createIndexes`' `indexes`.
 *
 * @throws {DatabaseError} 9, 14, 67 CannotCreateIndex, 197 InvalidIndexSpecificationOption
 */
export function parseIndexSpec(given: Doc, collectionCollation?: Doc): IndexSpec {
  const key = given.get('key')
  if (key === undefined) {
    throw new DatabaseError(9, `The 'key' field is a required property of an index specification`)
  }
  if (!isDoc(key)) throw new DatabaseError(14, `The field 'key' must be an object, but got ${String(key)}`)
  for (const option of given.keys()) {
    if (!OPTIONS.has(option)) {
      throw new DatabaseError(
        197,
        `Error in specification ${describeKey(given)} :: caused by :: The field '${option}' is not valid for an index specification. Specification: ${describeKey(given)}`,
      )
    }
  }
  const name = given.get('name') ?? defaultIndexName(key)
  if (typeof name !== 'string') throw new DatabaseError(14, `The field 'name' must be a string, but got ${typeof name}`)
  if (name === '') throw new DatabaseError(67, 'index name cannot be empty')
  if (name === '*') throw new DatabaseError(2, "The index name '*' is not valid.")
  if (key.size === 0) throw new DatabaseError(67, 'Index keys cannot be an empty object')
  const fields = [...key.keys()]
  for (const [field, direction] of key) checkKeyField(field, direction)
  const wildcard = wildcardOf(given, key)
  const partial = given.get('partialFilterExpression')
  if (partial !== undefined && !isDoc(partial)) {
    throw new DatabaseError(14, "The field 'partialFilterExpression' must be an object")
  }
  const sparse = truthy(given.get('sparse'))
  if (partial && sparse) {
    throw new DatabaseError(67, 'cannot mix "partialFilterExpression" and "sparse" options')
  }
  const isId = key.size === 1 && fields[0] === '_id'
  const expire = given.get('expireAfterSeconds')
  if (expire !== undefined) checkExpire(expire, key, isId)
  const ownCollation = given.get('collation')
  if (ownCollation !== undefined && !isDoc(ownCollation)) {
    throw new DatabaseError(14, "The field 'collation' must be an object")
  }
  const collation = simple(ownCollation ?? collectionCollation)
  const description = describe(given, key, name, collation)
  return {
    name,
    key,
    fields,
    paths: fields.map((field) => field.split('.')),
    descending: [...key.values()].map((direction) => isNumber(direction) && toNumber(direction) < 0),
    unique: truthy(given.get('unique')) || isId,
    sparse,
    prepareUnique: truthy(given.get('prepareUnique')),
    hidden: truthy(given.get('hidden')),
    ...(partial ? { partialFilter: partial } : {}),
    ...(expire === undefined ? {} : { expireAfterSeconds: toNumber(expire) }),
    ...(collation ? { collation } : {}),
    ...(wildcard ? { wildcard } : {}),
    catalogOnly: wildcard !== undefined && key.size > 1,
    description,
  }
}

function simple(collation: Doc | undefined): Doc | undefined {
  return collation === undefined || collation.get('locale') === 'simple' ? undefined : collation
}

function checkKeyField(field: string, direction: Value): void {
  if (typeof direction === 'string') {
    if (direction === '') throw new DatabaseError(67, 'Values in v:2 index key pattern cannot be an empty string')
    if (OTHER_KINDS.has(direction)) {
      throw new DatabaseError(67, `Index type '${direction}' is not supported by the local database`)
    }
    if (direction !== 'hashed') throw new DatabaseError(67, `Unknown index plugin '${direction}'`)
  } else if (!isNumber(direction)) {
    throw new DatabaseError(
      67,
      `Values in v:2 index key pattern cannot be of type ${typeText(direction)}. Only numbers > 0, numbers < 0, and strings are allowed.`,
    )
  } else if (toNumber(direction) === 0) {
    throw new DatabaseError(67, 'Values in the index key pattern cannot be 0.')
  } else if (Number.isNaN(toNumber(direction))) {
    throw new DatabaseError(67, 'Values in the index key pattern cannot be NaN.')
  }
  if (field === '') throw new DatabaseError(67, 'Index keys cannot be an empty field.')
  const parts = field.split('.')
  if (parts.includes('')) throw new DatabaseError(67, 'Index keys cannot contain an empty field.')
  if (isWildcardField(field)) {
    if (isNumber(direction)) return
    throw new DatabaseError(67, "Can't use more than one index plugin for a single index.")
  }
  if (parts.some((part) => part.startsWith('$') && !['$id', '$db', '$ref'].includes(part))) {
    throw new DatabaseError(67, "Index key contains an illegal field name: field name starts with '$'.")
  }
}

const NOT_OF_WILDCARD = ['unique', 'sparse', 'expireAfterSeconds'] as const

/** @throws {DatabaseError} 2, 9, 14, 67, 7246201, 7246204, and those of `parseWildcard` */
function wildcardOf(given: Doc, key: Doc): Wildcard | undefined {
  const [field, ...others] = [...key.keys()].filter(isWildcardField)
  const projection = given.get('wildcardProjection')
  if (field === undefined) {
    if (projection === undefined) return undefined
    throw new DatabaseError(2, "The field 'wildcardProjection' is only allowed in 'wildcard' indexes")
  }
  if (others.length > 0) {
    throw new DatabaseError(7246201, 'A compound wildcard index can have exactly one wildcard component')
  }
  if ([...key.values()].some((direction) => !isNumber(direction))) {
    throw new DatabaseError(67, "Can't use more than one index plugin for a single index.")
  }
  for (const option of NOT_OF_WILDCARD) {
    const value = given.get(option)
    if (option === 'expireAfterSeconds' ? value !== undefined : truthy(value)) {
      throw new DatabaseError(67, `Index type 'wildcard' does not support the '${option}' option`)
    }
  }
  if (projection !== undefined && !isDoc(projection)) {
    throw new DatabaseError(14, "The field 'wildcardProjection' must be a non-empty object, but got another type")
  }
  if (projection && field !== '$**') {
    throw new DatabaseError(9, `The field 'wildcardProjection' is only allowed when 'key' is {"$**": ±1}`)
  }
  if (projection?.size === 0) throw new DatabaseError(9, "The 'wildcardProjection' field can't be an empty object")
  if (key.size > 1 && field === '$**' && !projection) {
    throw new DatabaseError(67, "Compound wildcard indexes on all fields must also specify 'wildcardProjection' option")
  }
  const wildcard = parseWildcard(field, projection)
  const twice = [...key.keys()].find((other) => other !== field && wildcard.covers(other))
  if (twice !== undefined) {
    throw new DatabaseError(7246204, `A wildcard index may not cover the regular field '${twice}' as well`)
  }
  return wildcard
}

function typeText(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  if (Array.isArray(value)) return 'array'
  return isDoc(value) ? 'object' : value.constructor.name
}

function checkExpire(value: Value, key: Doc, isId: boolean): void {
  if (!isNumber(value)) {
    throw new DatabaseError(14, "The field 'expireAfterSeconds' must be a number, but got another type")
  }
  const seconds = toNumber(value)
  if (seconds < 0 || seconds > 2147483647) {
    throw new DatabaseError(
      67,
      `TTL index 'expireAfterSeconds' option must be within an acceptable range, try a different value than ${seconds}`,
    )
  }
  if (isId) {
    throw new DatabaseError(197, "The field 'expireAfterSeconds' is not valid for an _id index specification.")
  }
  if (key.size > 1) {
    throw new DatabaseError(67, 'TTL indexes are single-field indexes, compound indexes do not support TTL')
  }
}

function describe(given: Doc, key: Doc, name: string, collation: Doc | undefined): Doc {
  const description: Doc = new Map<string, Value>([
    ['v', int(2)],
    ['key', key],
    ['name', name],
  ])
  for (const [option, value] of given) {
    if (['v', 'key', 'name', 'ns', 'collation', 'dropDups'].includes(option)) continue
    if (['unique', 'sparse', 'hidden', 'prepareUnique'].includes(option)) {
      if (truthy(value)) description.set(option, true)
    } else description.set(option, value)
  }
  if (collation) description.set('collation', collation)
  return description
}

function describeKey(given: Doc): string {
  const key = given.get('key')
  const fields = isDoc(key) ? [...key].map(([field, way]) => `${field}: ${directionText(way)}`).join(', ') : ''
  return `{ key: { ${fields} }, name: "${String(given.get('name') ?? '')}" }`
}

function optionsIdentical(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.unique === b.unique &&
    a.sparse === b.sparse &&
    a.expireAfterSeconds === b.expireAfterSeconds &&
    valuesEqual(a.partialFilter, b.partialFilter) &&
    valuesEqual(a.collation, b.collation)
  )
}

/**
 * How a wanted index meets an existing one.
 *
 * @returns true when it is there already
 * @throws {DatabaseError} 85 IndexOptionsConflict, 86 IndexKeySpecsConflict
 */
export function alreadyIndexed(existing: Iterable<IndexSpec>, wanted: IndexSpec): boolean {
  for (const index of existing) {
    const sameKey = valuesIdentical(index.key, wanted.key) || sameDirections(index, wanted)
    if (index.name === wanted.name) {
      if (
        !sameKey ||
        !valuesEqual(index.collation, wanted.collation) ||
        !valuesEqual(index.partialFilter, wanted.partialFilter) ||
        index.unique !== wanted.unique ||
        index.sparse !== wanted.sparse
      ) {
        throw new DatabaseError(
          86,
          `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: ${specText(wanted)}, existing index: ${specText(index)}`,
        )
      }
      if (!optionsIdentical(index, wanted)) {
        throw new DatabaseError(
          85,
          `An equivalent index already exists with the same name but different options. Requested index: ${specText(wanted)}, existing index: ${specText(index)}`,
        )
      }
      return true
    }
    if (
      sameKey &&
      valuesEqual(index.collation, wanted.collation) &&
      valuesEqual(index.partialFilter, wanted.partialFilter)
    ) {
      if (index.unique === wanted.unique && index.sparse === wanted.sparse) {
        if (index.expireAfterSeconds === wanted.expireAfterSeconds) {
          throw new DatabaseError(85, `Index already exists with a different name: ${index.name}`)
        }
        throw new DatabaseError(
          85,
          `An equivalent index already exists with a different name and options. Requested index: ${specText(wanted)}, existing index: ${specText(index)}`,
        )
      }
    }
  }
  return false
}

function sameDirections(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, at) => field === b.fields[at] && a.descending[at] === b.descending[at]) &&
    [...a.key.values()].every((way, at) => typeof way !== 'string' || way === [...b.key.values()][at])
  )
}

function specText(spec: IndexSpec): string {
  const key = [...spec.key].map(([field, way]) => `${field}: ${directionText(way)}`).join(', ')
  return `{ v: 2${spec.unique ? ', unique: true' : ''}, key: { ${key} }, name: "${spec.name}"${spec.sparse ? ', sparse: true' : ''}${spec.expireAfterSeconds === undefined ? '' : `, expireAfterSeconds: ${spec.expireAfterSeconds}`} }`
}
