import type { Document } from 'bson'
import type { FindAndModifyOptions, ReadOptions } from '../data/data-access.ts'
import { entriesOf } from '../ejson/index.ts'
import { AppError } from '../errors.ts'

/** Query operators a user may send (spec: function runtime 5 lists the others, all evaluation, geo and bitwise ones). */
const queryOperators = new Set([
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$and',
  '$or',
  '$nor',
  '$not',
  '$exists',
  '$type',
  '$all',
  '$elemMatch',
  '$size',
  '$mod',
  '$comment',
])

/** Query operators that exist and are the system's alone; what is in neither set no server knows. */
const systemQueryOperators = new Set([
  '$bitsAllClear',
  '$bitsAllSet',
  '$bitsAnyClear',
  '$bitsAnySet',
  '$expr',
  '$geoIntersects',
  '$geoWithin',
  '$jsonSchema',
  '$near',
  '$nearSphere',
  '$options',
  '$regex',
  '$sampleRate',
  '$text',
  '$where',
])
const logicalOperators = new Set(['$and', '$or', '$nor'])

/** Stages that read nothing but the documents they are given; the search stages only in front. */
const stages = new Set([
  '$addFields',
  '$bucket',
  '$bucketAuto',
  '$count',
  '$densify',
  '$fill',
  '$group',
  '$limit',
  '$match',
  '$project',
  '$redact',
  '$replaceRoot',
  '$replaceWith',
  '$sample',
  '$set',
  '$setWindowFields',
  '$skip',
  '$sort',
  '$sortByCount',
  '$unset',
  '$unwind',
])

/** Stages that exist and are the system's alone. */
const systemStages = new Set([
  '$changeStream',
  '$collStats',
  '$currentOp',
  '$documents',
  '$facet',
  '$geoNear',
  '$graphLookup',
  '$indexStats',
  '$listLocalSessions',
  '$listSessions',
  '$lookup',
  '$merge',
  '$out',
  '$planCacheStats',
  '$search',
  '$searchMeta',
  '$unionWith',
  '$vectorSearch',
])

/** Stages that search an index; their results pass the rules before anything else runs. */
export const searchStages: ReadonlySet<string> = new Set(['$search', '$vectorSearch'])

const forbiddenExpressions = new Set(['$function', '$accumulator', '$setIsSubset', '$where'])

const forbiddenOptions = ['collation', 'readConcern', 'writeConcern', 'bypassDocumentValidation'] as const

/** @throws {AppError} `MongoDBError` for an operator that users may not send */
export function assertUserFilter(filter: unknown, isTopLevel = true): void {
  if (Array.isArray(filter)) {
    for (const part of filter) assertUserFilter(part, isTopLevel)
    return
  }
  if (!isPlain(filter)) return
  for (const [key, value] of entriesOf(filter)) {
    if (key.startsWith('$') && !queryOperators.has(key) && !isReference(key)) {
      if (systemQueryOperators.has(key)) throw refusal(`query operator '${key}' is only available to system users`)
      throw refusal(isTopLevel ? unknownTopLevelOperator(key) : `unknown operator: ${key}`)
    }
    assertUserFilter(value, isTopLevel && logicalOperators.has(key))
  }
}

/** The server's own words, which clients match on (spec: Data API 5). */
function unknownTopLevelOperator(name: string): string {
  return `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`
}

/**
 * @param searchMeta whether `$$SEARCH_META` may be used: it counts what the roles would hide
 * @throws {AppError} `MongoDBError` for a stage or operator that users may not send
 */
export function assertUserPipeline(pipeline: readonly Document[], searchMeta = false): void {
  pipeline.forEach((stage, index) => {
    const [name = '', ...others] = entriesOf(stage).map(([key]) => key)
    if (others.length > 0 || name === '') throw refusal('a pipeline stage must have exactly one field')
    const allowed = stages.has(name) || (index === 0 && searchStages.has(name))
    if (!allowed) {
      if (systemStages.has(name)) throw refusal(`aggregation stage '${name}' is only available to system users`)
      throw refusal(`Unrecognized pipeline stage name: '${name}'`)
    }
    if (name === '$match') assertUserFilter(entriesOf(stage)[0]?.[1])
    assertUserExpressions(stage, searchMeta)
  })
}

/** @throws {AppError} `MongoDBError` for an expression operator that users may not send, anywhere in a value */
export function assertUserExpressions(value: unknown, searchMeta = false): void {
  if (typeof value === 'string') {
    for (const variable of searchMeta ? ['$$USER_ROLES'] : ['$$SEARCH_META', '$$USER_ROLES'])
      if (value === variable || value.startsWith(`${variable}.`))
        throw refusal(`'${variable}' is only available to system users`)
    return
  }
  if (Array.isArray(value)) {
    for (const item of value) assertUserExpressions(item, searchMeta)
    return
  }
  if (!isPlain(value)) return
  for (const [key, part] of entriesOf(value)) {
    if (forbiddenExpressions.has(key)) throw refusal(`operator '${key}' is only available to system users`)
    assertUserExpressions(part, searchMeta)
  }
}

/** @throws {AppError} `MongoDBError` for an option that users may not send */
export function assertUserOptions(options: ReadOptions & FindAndModifyOptions): void {
  for (const name of forbiddenOptions) {
    if (options[name] !== undefined) throw refusal(`option '${name}' is only available to system users`)
  }
}

/** Field names of a database reference. */
function isReference(key: string): boolean {
  return key === '$ref' || key === '$id' || key === '$db'
}

function isPlain(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || value instanceof Map
}

function refusal(text: string): AppError {
  return new AppError('MongoDBError', text, { status: 400 })
}
