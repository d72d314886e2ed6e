import type { Document } from 'bson'
import type { Expression, Json, JsonObject } from '../../schemas/app/definition.ts'
import { bsonKind, isDocument, isNumberKind } from '../data/bson-kind.ts'
import { compareNumbers, toNumber } from '../data/bson-number.ts'
import { equalBson } from '../data/bson-order.ts'
import { type ExpressionScope, evaluate } from '../expression/index.ts'
import { choices } from './choices.ts'

/**
 * Validates a document against an App Services schema (spec: rules 6): draft 4 keywords over BSON types, and `validate`
 * expressions.
 *
 * @param before the document before the write, for `%%prev` and `%%prevRoot`
 * @returns one text per problem, for the log; empty when the document is accepted
 */
export async function validateDocument(
  schema: JsonObject,
  document: Document,
  before: Document | undefined,
  scope: ExpressionScope,
): Promise<string[]> {
  const problems: string[] = []
  const validating = { ...scope, root: document, prevRoot: before }
  await check({ schema, value: document, previous: before, path: '(root)' }, { scope: validating, problems })
  return problems
}

interface Checked {
  readonly schema: JsonObject
  readonly value: unknown
  readonly previous: unknown
  readonly path: string
}

interface Run {
  readonly scope: ExpressionScope
  readonly problems: string[]
}

async function check(checked: Checked, run: Run): Promise<void> {
  const { schema, value, path } = checked
  const fail = (text: string) => run.problems.push(`${path}: ${text}`)
  const types = [...typesOf(schema.bsonType), ...typesOf(schema.type)]
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    fail(`Invalid type. Expected: type: ${types.join(', ')}, given: ${bsonKind(value) ?? 'undefined'}`)
    return
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((allowed) => equalBson(allowed, value))) {
    fail('does not match one of the allowed values')
  }
  if (isNumberKind(bsonKind(value))) checkNumber(schema, value, fail)
  if (typeof value === 'string') checkString(schema, value, fail)
  if (Array.isArray(value)) await checkArray(checked, value, run, fail)
  if (isDocument(value)) await checkObject(checked, value, run, fail)
  await checkExpression(checked, run, fail)
}

type Fail = (text: string) => void

async function checkExpression({ schema, value, previous }: Checked, run: Run, fail: Fail): Promise<void> {
  if (schema.validate === undefined || schema.validate === null) return
  if (!isExpression(schema.validate)) return void fail('has an invalid validate expression')
  if (!(await evaluate(schema.validate, { ...run.scope, this: value, prev: previous })))
    fail('validation expression failed')
}

function isExpression(json: Json): json is Expression {
  return typeof json === 'boolean' || (typeof json === 'object' && json !== null && !Array.isArray(json))
}

function typesOf(type: Json | undefined): string[] {
  return (Array.isArray(type) ? type : [type]).filter((name) => typeof name === 'string')
}

function isOfType(value: unknown, type: string): boolean {
  const kind = bsonKind(value)
  switch (type) {
    case 'mixed':
      return true
    case 'number':
      return isNumberKind(kind)
    case 'integer':
      return kind === 'int' || kind === 'long' || (kind === 'double' && Number.isInteger(Number(value)))
    case 'boolean':
      return kind === 'bool'
    case 'uuid':
      return kind === 'binData' && Reflect.get(Object(value), 'sub_type') === 4
    default:
      return kind === type
  }
}

function checkNumber(schema: JsonObject, value: unknown, fail: Fail): void {
  const { minimum, maximum, multipleOf } = schema
  if (typeof minimum === 'number') {
    const order = compareNumbers(value, minimum)
    if (order < 0 || (order === 0 && schema.exclusiveMinimum === true)) fail(`Must be greater than ${minimum}`)
  }
  if (typeof maximum === 'number') {
    const order = compareNumbers(value, maximum)
    if (order > 0 || (order === 0 && schema.exclusiveMaximum === true)) fail(`Must be less than ${maximum}`)
  }
  if (typeof multipleOf === 'number' && multipleOf > 0) {
    const quotient = toNumber(value) / multipleOf
    if (Math.abs(quotient - Math.round(quotient)) > 1e-9) fail(`Must be a multiple of ${multipleOf}`)
  }
}

function checkString({ minLength, maxLength, pattern }: JsonObject, value: string, fail: Fail): void {
  const length = [...value].length
  if (typeof minLength === 'number' && length < minLength) fail(`String length must be at least ${minLength}`)
  if (typeof maxLength === 'number' && length > maxLength) fail(`String length must be at most ${maxLength}`)
  if (typeof pattern === 'string' && !matches(pattern, value)) fail(`Does not match pattern '${pattern}'`)
}

/** False for a pattern that is none: nothing can be known to match it. */
function matches(pattern: string, value: string): boolean {
  // The service's engine takes inline flags, JS does not.
  const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(pattern) ?? []
  try {
    return new RegExp(body, flags).test(value)
  } catch {
    return false
  }
}

async function checkArray({ schema, previous, path }: Checked, value: unknown[], run: Run, fail: Fail): Promise<void> {
  const { items, additionalItems, minItems, maxItems, uniqueItems } = schema
  if (typeof minItems === 'number' && value.length < minItems) fail(`Array must have at least ${minItems} items`)
  if (typeof maxItems === 'number' && value.length > maxItems) fail(`Array must have at most ${maxItems} items`)
  if (uniqueItems === true && value.some((item, i) => value.slice(0, i).some((other) => equalBson(item, other)))) {
    fail('array items must be unique')
  }
  const previousItems = Array.isArray(previous) ? previous : []
  for (const [index, item] of value.entries()) {
    const rule = Array.isArray(items) ? (items[index] ?? additionalItems) : items
    if (rule === false) fail('No additional items allowed on array')
    else if (isObject(rule)) {
      await check({ schema: rule, value: item, previous: previousItems[index], path: `${path}.${index}` }, run)
    }
  }
}

async function checkObject({ schema, previous, path }: Checked, value: Document, run: Run, fail: Fail): Promise<void> {
  const { required, minProperties, maxProperties } = schema
  const fields = Object.keys(value)
  for (const name of Array.isArray(required) ? required : []) {
    if (typeof name !== 'string') continue
    if (!Object.hasOwn(value, name)) fail(`${name} is required`)
    else if (choices.requiredFieldsNeverNull && value[name] === null) fail(`${name} is required and may not be null`)
  }
  if (typeof minProperties === 'number' && fields.length < minProperties)
    fail(`Must have at least ${minProperties} properties`)
  if (typeof maxProperties === 'number' && fields.length > maxProperties)
    fail(`Must have at most ${maxProperties} properties`)
  await checkDependencies({ schema, value, previous, path }, value, run, fail)
  const before: Document = isDocument(previous) ? previous : {}
  for (const field of fields) {
    const rules = rulesOf(schema, field)
    if (rules === false) fail(`Additional property ${field} is not allowed`)
    for (const rule of rules || []) {
      const inner = path === '(root)' ? field : `${path}.${field}`
      await check({ schema: rule, value: value[field], previous: own(before, field), path: inner }, run)
    }
  }
}

/** The schemas that apply to a field; false when it is not allowed. `_id` is always allowed. */
function rulesOf(schema: JsonObject, field: string): JsonObject[] | false {
  const { properties, patternProperties, additionalProperties } = schema
  const rules: Json[] = []
  if (isObject(properties) && Object.hasOwn(properties, field)) rules.push(properties[field] ?? {})
  for (const [pattern, rule] of isObject(patternProperties) ? Object.entries(patternProperties) : []) {
    if (matches(pattern, field)) rules.push(rule)
  }
  if (rules.length === 0) {
    if (additionalProperties === false && field !== '_id') return false
    if (isObject(additionalProperties)) rules.push(additionalProperties)
  }
  return rules.filter(isObject)
}

async function checkDependencies(checked: Checked, value: Document, run: Run, fail: Fail): Promise<void> {
  const { dependencies } = checked.schema
  for (const [field, needed] of isObject(dependencies) ? Object.entries(dependencies) : []) {
    if (!Object.hasOwn(value, field)) continue
    if (isObject(needed)) await check({ ...checked, schema: needed }, run)
    for (const name of Array.isArray(needed) ? needed : []) {
      if (typeof name === 'string' && !Object.hasOwn(value, name)) fail(`Has a dependency on ${name}`)
    }
  }
}

function own(document: Document, field: string): unknown {
  return Object.hasOwn(document, field) ? document[field] : undefined
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
