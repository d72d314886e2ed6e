import { compareNumbers, valuesEqual } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { exactInteger, isMultipleOf, isNaNValue, toDouble } from '../../bson/number.ts'
import type { TypeName } from '../../bson/types.ts'
import { type Doc, int, isDoc, isNumber, type NumberValue, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { parseTypes } from '../match/element.ts'
import { compileRegex } from '../match/regex.ts'
import { entryOf } from '../table.ts'

/** Why a value fails one keyword: MongoDB's `errInfo` entry. Null: it does not fail. */
export type Rule = (value: Value) => Doc | null

/** The rules of one schema, in the order in which MongoDB reports them. */
export type Validate = (value: Value) => Doc[]

const entry = (pairs: readonly (readonly [string, Value])[]): Doc => new Map(pairs)

const JSON_TYPES: Readonly<Record<string, readonly TypeName[]>> = {
  object: ['object'],
  array: ['array'],
  string: ['string'],
  boolean: ['bool'],
  null: ['null'],
  number: ['int', 'long', 'double', 'decimal'],
}

function jsonTypes(operand: Value): Set<TypeName> {
  const items = Array.isArray(operand) ? operand : [operand]
  if (items.length === 0) throw new DatabaseError(9, "$jsonSchema keyword 'type' must name at least one type")
  const names = new Set<TypeName>()
  for (const item of items) {
    if (typeof item !== 'string') {
      throw new DatabaseError(14, "$jsonSchema keyword 'type' must be either a string or an array of strings")
    }
    if (item === 'integer') {
      throw new DatabaseError(9, "$jsonSchema type 'integer' is not currently supported.")
    }
    const types = JSON_TYPES[item]
    if (types === undefined) throw new DatabaseError(2, `Unknown type name alias: ${item}`)
    for (const name of types) names.add(name)
  }
  return names
}

/** The last entries of a failure: the offending value and its type. */
function considered(operatorName: string, schema: Value, reason: string, value: Value, withType = true): Doc {
  const pairs: [string, Value][] = [
    ['operatorName', operatorName],
    ['specifiedAs', entry([[operatorName, schema]])],
    ['reason', reason],
    ['consideredValue', value],
  ]
  if (withType) pairs.push(['consideredType', typeName(value)])
  return entry(pairs)
}

type CompileKeyword = (operand: Value, schema: Doc, name: string) => Rule

function numberOperand(operand: Value, name: string): NumberValue {
  if (!isNumber(operand)) throw new DatabaseError(14, `$jsonSchema keyword '${name}' must be a number`)
  return operand
}

function countOperand(operand: Value, name: string): number {
  const count = isNumber(operand) ? exactInteger(operand) : undefined
  if (count === undefined) {
    throw new DatabaseError(
      isNumber(operand) ? 9 : 14,
      `$jsonSchema keyword '${name}' must be a representable as a 64-bit integer`,
    )
  }
  if (count < 0n) throw new DatabaseError(9, `$jsonSchema keyword '${name}' must be non-negative`)
  return Number(count)
}

function schemaList(operand: Value, name: string): Validate[] {
  if (!Array.isArray(operand)) throw new DatabaseError(14, `$jsonSchema keyword '${name}' must be an array`)
  if (operand.length === 0) throw new DatabaseError(9, `$jsonSchema keyword '${name}' must be a non-empty array`)
  return operand.map((item) => compileSchema(subschema(item, name)))
}

function subschema(value: Value, name: string): Doc {
  if (!isDoc(value)) throw new DatabaseError(14, `$jsonSchema keyword '${name}' must be an object`)
  return value
}

function strings(operand: Value, name: string): string[] {
  if (!Array.isArray(operand)) throw new DatabaseError(14, `$jsonSchema keyword '${name}' must be an array`)
  if (operand.length === 0) throw new DatabaseError(9, `$jsonSchema keyword '${name}' cannot be an empty array`)
  const names = operand.map((item) => {
    if (typeof item !== 'string') {
      throw new DatabaseError(14, `$jsonSchema keyword '${name}' must be an array of strings`)
    }
    return item
  })
  if (new Set(names).size !== names.length) {
    throw new DatabaseError(9, `$jsonSchema keyword '${name}' array cannot contain duplicate values`)
  }
  return names
}

function typeRule(name: string, operand: Value, allowed: ReadonlySet<TypeName>): Rule {
  return (value) => (allowed.has(typeName(value)) ? null : considered(name, operand, 'type did not match', value))
}

function bound(name: 'maximum' | 'minimum', exclusiveName: string, wants: number): CompileKeyword {
  return (operand, schema) => {
    const limit = numberOperand(operand, name)
    const exclusive = schema.get(exclusiveName)
    if (exclusive !== undefined && typeof exclusive !== 'boolean') {
      throw new DatabaseError(14, `$jsonSchema keyword '${exclusiveName}' must be a boolean`)
    }
    return (value) => {
      if (!isNumber(value)) return null
      const order = compareNumbers(value, limit)
      const holds = !isNaNValue(value) && (order === wants || (order === 0 && exclusive !== true))
      if (holds) return null
      const specified: [string, Value][] = [[name, operand]]
      if (exclusive === true) specified.push([exclusiveName, true])
      return entry([
        ['operatorName', name],
        ['specifiedAs', entry(specified)],
        ['reason', 'comparison failed'],
        ['consideredValue', value],
      ])
    }
  }
}

function measured(
  measure: (value: Value) => number | undefined,
  holds: (size: number, limit: number) => boolean,
  reason: string,
  describe: (value: Value, size: number) => readonly (readonly [string, Value])[],
): CompileKeyword {
  return (operand, _schema, name) => {
    const limit = countOperand(operand, name)
    return (value) => {
      const size = measure(value)
      if (size === undefined || holds(size, limit)) return null
      return entry([
        ['operatorName', name],
        ['specifiedAs', entry([[name, operand]])],
        ['reason', reason],
        ...describe(value, size),
      ])
    }
  }
}

const atMost = (size: number, limit: number): boolean => size <= limit
const atLeast = (size: number, limit: number): boolean => size >= limit
const textLength = (value: Value): number | undefined => (typeof value === 'string' ? [...value].length : undefined)
const arrayLength = (value: Value): number | undefined => (Array.isArray(value) ? value.length : undefined)
const fieldCount = (value: Value): number | undefined => (isDoc(value) ? value.size : undefined)
const consideredValue = (value: Value): readonly (readonly [string, Value])[] => [['consideredValue', value]]
const LENGTH_REASON = 'specified string length was not satisfied'

function combination(name: 'allOf' | 'anyOf' | 'oneOf', operand: Value): Rule {
  const branches = schemaList(operand, name)
  return (value) => {
    const failures = branches.map((validate) => validate(value))
    const matching = failures.flatMap((failed, index) => (failed.length === 0 ? [index] : []))
    const holds =
      name === 'allOf'
        ? matching.length === branches.length
        : name === 'anyOf'
          ? matching.length > 0
          : matching.length === 1
    if (holds) return null
    if (name === 'oneOf' && matching.length > 1) {
      return entry([
        ['operatorName', name],
        ['reason', 'more than one subschema matched'],
        ['matchingSchemaIndexes', matching.map((index) => int(index))],
      ])
    }
    const details = failures.flatMap((failed, index) =>
      failed.length === 0
        ? []
        : [
            entry([
              ['index', int(index)],
              ['details', failed],
            ]),
          ],
    )
    return entry([
      ['operatorName', name],
      ['schemasNotSatisfied', details],
    ])
  }
}

function properties(operand: Value): Rule {
  const compiled = Array.from(subschema(operand, 'properties'), ([field, schema]) => {
    const inner = subschema(schema, `properties.${field}`)
    return { field, validate: compileSchema(inner), annotations: annotationsOf(inner) }
  })
  return (value) => {
    if (!isDoc(value)) return null
    const failed: Doc[] = []
    for (const { field, validate, annotations } of compiled) {
      const item = value.get(field)
      const details = item === undefined ? [] : validate(item)
      if (details.length > 0) failed.push(entry([['propertyName', field], ...annotations, ['details', details]]))
    }
    return failed.length === 0
      ? null
      : entry([
          ['operatorName', 'properties'],
          ['propertiesNotSatisfied', failed],
        ])
  }
}

function annotationsOf(schema: Doc): [string, Value][] {
  const found: [string, Value][] = []
  for (const name of ['title', 'description']) {
    const text = schema.get(name)
    if (typeof text === 'string') found.push([name, text])
  }
  return found
}

function patternList(schema: Doc): { pattern: string; regex: RegExp; validate: Validate }[] {
  const patterns = schema.get('patternProperties')
  if (patterns === undefined) return []
  return Array.from(subschema(patterns, 'patternProperties'), ([pattern, inner]) => ({
    pattern,
    regex: compileRegex(pattern, ''),
    validate: compileSchema(subschema(inner, 'patternProperties')),
  }))
}

function patternProperties(_operand: Value, schema: Doc): Rule {
  const patterns = patternList(schema)
  return (value) => {
    if (!isDoc(value)) return null
    const details: Doc[] = []
    for (const [field, item] of value) {
      for (const { pattern, regex, validate } of patterns) {
        if (!regex.test(field)) continue
        const failed = validate(item)
        if (failed.length > 0) {
          details.push(
            entry([
              ['propertyName', field],
              ['regexMatched', pattern],
              ['details', failed],
            ]),
          )
        }
      }
    }
    return details.length === 0
      ? null
      : entry([
          ['operatorName', 'patternProperties'],
          ['details', details],
        ])
  }
}

function additionalProperties(operand: Value, schema: Doc): Rule {
  const listed = schema.get('properties')
  const names = new Set(isDoc(listed) ? listed.keys() : [])
  const patterns = patternList(schema)
  if (typeof operand !== 'boolean' && !isDoc(operand)) {
    throw new DatabaseError(14, "$jsonSchema keyword 'additionalProperties' must be either an object or a boolean")
  }
  const validate = isDoc(operand) ? compileSchema(operand) : undefined
  return (value) => {
    if (!isDoc(value) || operand === true) return null
    const additional: string[] = []
    for (const name of value.keys()) {
      if (!names.has(name) && !patterns.some(({ regex }) => regex.test(name))) additional.push(name)
    }
    if (validate === undefined) {
      if (additional.length === 0) return null
      return entry([
        ['operatorName', 'additionalProperties'],
        ['specifiedAs', entry([['additionalProperties', operand]])],
        ['additionalProperties', additional],
      ])
    }
    for (const name of additional) {
      const details = validate(value.get(name)!)
      if (details.length > 0) {
        return entry([
          ['operatorName', 'additionalProperties'],
          ['reason', 'at least one additional property did not match the subschema'],
          ['failingProperty', name],
          ['details', details],
        ])
      }
    }
    return null
  }
}

function required(operand: Value): Rule {
  const names = strings(operand, 'required')
  return (value) => {
    if (!isDoc(value)) return null
    const missing = names.filter((name) => !value.has(name)).sort()
    if (missing.length === 0) return null
    return entry([
      ['operatorName', 'required'],
      ['specifiedAs', entry([['required', operand]])],
      ['missingProperties', missing],
    ])
  }
}

function items(operand: Value, schema: Doc): Rule {
  if (Array.isArray(operand)) {
    const validators = operand.map((item) => compileSchema(subschema(item, 'items')))
    const rest = schema.get('additionalItems')
    const validateRest = isDoc(rest) ? compileSchema(rest) : undefined
    return (value) => {
      if (!Array.isArray(value)) return null
      for (const [index, validate] of validators.entries()) {
        const item = value[index]
        const details = item === undefined ? [] : validate(item)
        if (details.length > 0) {
          return entry([
            ['operatorName', 'items'],
            ['reason', 'At least one item did not match the sub-schema'],
            ['itemIndex', int(index)],
            ['details', details],
          ])
        }
      }
      if (rest === false && value.length > validators.length) {
        return entry([
          ['operatorName', 'additionalItems'],
          ['specifiedAs', entry([['additionalItems', false]])],
          ['reason', 'found additional items'],
          ['additionalItems', value.slice(validators.length)],
        ])
      }
      return validateRest === undefined ? null : firstFailing('additionalItems', value, validators.length, validateRest)
    }
  }
  const validate = compileSchema(subschema(operand, 'items'))
  return (value) => (Array.isArray(value) ? firstFailing('items', value, 0, validate) : null)
}

function firstFailing(name: string, value: readonly Value[], from: number, validate: Validate): Doc | null {
  for (let index = from; index < value.length; index++) {
    const details = validate(value[index]!)
    if (details.length > 0) {
      return entry([
        ['operatorName', name],
        ['reason', 'At least one item did not match the sub-schema'],
        ['itemIndex', int(index)],
        ['details', details],
      ])
    }
  }
  return null
}

function uniqueItems(operand: Value): Rule {
  if (typeof operand !== 'boolean') throw new DatabaseError(14, "$jsonSchema keyword 'uniqueItems' must be a boolean")
  return (value) => {
    if (!operand || !Array.isArray(value)) return null
    const seen = new Set<string>()
    for (const item of value) {
      const key = hashKey(item)
      if (seen.has(key)) {
        return entry([
          ['operatorName', 'uniqueItems'],
          ['specifiedAs', entry([['uniqueItems', true]])],
          ['reason', 'found a duplicate item'],
          ['consideredValue', value],
          ['duplicatedValue', item],
        ])
      }
      seen.add(key)
    }
    return null
  }
}

function multipleOf(operand: Value): Rule {
  const divisor = numberOperand(operand, 'multipleOf')
  if (!(toDouble(divisor) > 0))
    throw new DatabaseError(9, "$jsonSchema keyword 'multipleOf' must have a positive value")
  return (value) => {
    if (!isNumber(value) || isMultipleOf(value, divisor)) return null
    return considered('multipleOf', operand, 'considered value is not a multiple of the specified value', value, false)
  }
}

function pattern(operand: Value): Rule {
  if (typeof operand !== 'string') throw new DatabaseError(14, "$jsonSchema keyword 'pattern' must be a string")
  const regex = compileRegex(operand, '')
  return (value) =>
    typeof value !== 'string' || regex.test(value)
      ? null
      : considered('pattern', operand, 'regular expression did not match', value, false)
}

function enumeration(operand: Value): Rule {
  if (!Array.isArray(operand)) throw new DatabaseError(14, "$jsonSchema keyword 'enum' must be an array")
  if (operand.length === 0) throw new DatabaseError(9, "$jsonSchema keyword 'enum' cannot be an empty array")
  return (value) =>
    operand.some((item) => valuesEqual(item, value))
      ? null
      : considered('enum', operand, 'value was not found in enum', value, false)
}

function negation(operand: Value): Rule {
  const validate = compileSchema(subschema(operand, 'not'))
  return (value) =>
    validate(value).length > 0
      ? null
      : entry([
          ['operatorName', 'not'],
          ['reason', 'child expression matched'],
        ])
}

function dependencies(operand: Value): Rule {
  const rules = Array.from(subschema(operand, 'dependencies'), ([field, dependency]) => {
    if (Array.isArray(dependency)) {
      const names = strings(dependency, 'dependencies')
      return (value: Doc): Doc | null => {
        const missing = value.has(field) ? names.filter((name) => !value.has(name)) : []
        if (missing.length === 0) return null
        return entry([
          ['conditionalProperty', field],
          ['missingProperties', missing],
        ])
      }
    }
    const validate = compileSchema(subschema(dependency, 'dependencies'))
    return (value: Doc): Doc | null => {
      const details = value.has(field) ? validate(value) : []
      return details.length === 0
        ? null
        : entry([
            ['conditionalProperty', field],
            ['details', details],
          ])
    }
  })
  return (value) => {
    if (!isDoc(value)) return null
    const failing = rules.flatMap((rule) => rule(value) ?? [])
    return failing.length === 0
      ? null
      : entry([
          ['operatorName', 'dependencies'],
          ['failingDependencies', failing],
        ])
  }
}

const noRule: CompileKeyword = () => () => null

/** In the order in which failures are reported. */
const KEYWORDS: Readonly<Record<string, CompileKeyword>> = {
  bsonType: (operand) => typeRule('bsonType', operand, parseTypes(operand, "$jsonSchema keyword 'bsonType'")),
  type: (operand) => typeRule('type', operand, jsonTypes(operand)),
  maximum: bound('maximum', 'exclusiveMaximum', -1),
  minimum: bound('minimum', 'exclusiveMinimum', 1),
  multipleOf,
  maxLength: measured(textLength, atMost, LENGTH_REASON, consideredValue),
  minLength: measured(textLength, atLeast, LENGTH_REASON, consideredValue),
  pattern,
  maxItems: measured(arrayLength, atMost, 'array did not match specified length', consideredValue),
  minItems: measured(arrayLength, atLeast, 'array did not match specified length', consideredValue),
  uniqueItems,
  items,
  maxProperties: measured(fieldCount, atMost, 'specified number of properties was not satisfied', (_value, size) => [
    ['numberOfProperties', int(size)],
  ]),
  minProperties: measured(fieldCount, atLeast, 'specified number of properties was not satisfied', (_value, size) => [
    ['numberOfProperties', int(size)],
  ]),
  enum: enumeration,
  allOf: (operand) => combination('allOf', operand),
  anyOf: (operand) => combination('anyOf', operand),
  oneOf: (operand) => combination('oneOf', operand),
  not: negation,
  properties,
  patternProperties,
  additionalProperties,
  required,
  dependencies,
  additionalItems: noRule,
  exclusiveMaximum: (_operand, schema) => {
    if (!schema.has('maximum')) {
      throw new DatabaseError(9, "$jsonSchema keyword 'maximum' must be a present if exclusiveMaximum is present")
    }
    return () => null
  },
  exclusiveMinimum: (_operand, schema) => {
    if (!schema.has('minimum')) {
      throw new DatabaseError(9, "$jsonSchema keyword 'minimum' must be a present if exclusiveMinimum is present")
    }
    return () => null
  },
  title: noRule,
  description: noRule,
}

const REFUSED = new Set(['$ref', '$schema', 'default', 'definitions', 'format', 'id'])

/** Compiles a schema; the function returns the failures of a value, empty when it is valid. */
export function compileSchema(schema: Doc): Validate {
  for (const name of schema.keys()) {
    if (entryOf(KEYWORDS, name) !== undefined || name === 'encrypt' || name === 'encryptMetadata') continue
    throw REFUSED.has(name)
      ? new DatabaseError(9, `$jsonSchema keyword '${name}' is not currently supported`)
      : new DatabaseError(9, `Unknown $jsonSchema keyword: ${name}`)
  }
  if (schema.has('type') && schema.has('bsonType')) {
    throw new DatabaseError(9, "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'")
  }
  const rules: Rule[] = []
  for (const [name, compile] of Object.entries(KEYWORDS)) {
    const operand = schema.get(name)
    if (operand !== undefined) rules.push(compile(operand, schema, name))
  }
  return (value) => rules.flatMap((rule) => rule(value) ?? [])
}
