import { EJSON } from 'bson'
import { isDocument } from '../data/bson-kind.ts'
import type { Evaluation } from './evaluation.ts'
import { expand } from './expansion.ts'
import { ExpressionError } from './expression-error.ts'
import { equalOrContains } from './operators/equality.ts'
import { comparisons, conversions, logicals, operatorName } from './operators/index.ts'
import { lookupPath } from './path.ts'
import type { ExpressionScope } from './scope.ts'

/** Evaluates an expression; `current` is the value that operators without a key of their own apply to. */
export function* evaluateSteps(expression: unknown, scope: ExpressionScope, current?: unknown): Evaluation<boolean> {
  if (typeof expression === 'boolean') return expression
  if (expression === '%%true') return true
  if (expression === '%%false') return false
  if (!isDocument(expression)) throw new ExpressionError('an expression is true, false or an object')
  for (const [key, value] of Object.entries(expression)) {
    if (!(yield* evaluateEntry(key, value, scope, current))) return false
  }
  return true
}

function* evaluateEntry(key: string, value: unknown, scope: ExpressionScope, current: unknown): Evaluation<boolean> {
  const operator = operatorName(key)
  if (operator !== undefined) return yield* applyOperator(operator, value, scope, current)
  if (key === '%%true' || key === '%%false') return yield* isConstant(key === '%%true', value, scope)
  const left = key.startsWith('%%') ? expand(key, scope) : lookupPath(scope.root, key.split('.'))
  if (isOperatorObject(value)) return yield* evaluateSteps(value, scope, left)
  return equalOrContains(left, yield* resolveValue(value, scope))
}

/** `{"%%true": x}`: x is a value, an operator applied to the constant, or an expression that must evaluate to it. */
function* isConstant(constant: boolean, value: unknown, scope: ExpressionScope): Evaluation<boolean> {
  if (!isDocument(value) || isValueObject(value)) return equalOrContains(constant, yield* resolveValue(value, scope))
  const comparing = Object.keys(value).every((key) => comparisons.has(operatorName(key) ?? ''))
  if (comparing && Object.keys(value).length > 0) return yield* evaluateSteps(value, scope, constant)
  return (yield* evaluateSteps(value, scope)) === constant
}

function* applyOperator(
  operator: string,
  operand: unknown,
  scope: ExpressionScope,
  current: unknown,
): Evaluation<boolean> {
  const logical = logicals.get(operator)
  if (logical) {
    const children = Array.isArray(operand) ? operand : [operand]
    return yield* logical(children, (child) => evaluateSteps(child, scope, current))
  }
  const compare = comparisons.get(operator)
  if (compare) return compare(current, yield* resolveValue(operand, scope))
  throw new ExpressionError(`unknown operator '${operator}'`)
}

/** The value that a literal, an expansion, a conversion or a function call stands for. */
export function* resolveValue(value: unknown, scope: ExpressionScope): Evaluation<unknown> {
  if (typeof value === 'string') return value.startsWith('%%') ? expand(value, scope) : value
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value) items.push(yield* resolveValue(item, scope))
    return items
  }
  if (!isDocument(value)) return value
  const [key, ...others] = Object.keys(value)
  const operator = key === undefined || others.length > 0 ? undefined : operatorName(key)
  if (key === undefined || operator === undefined) return yield* resolveFields(value, scope)
  const operand: unknown = value[key]
  const convert = conversions.get(operator)
  if (convert) return convert(yield* resolveValue(operand, scope))
  if (operator === 'function') return yield* callFunction(operand, scope)
  return ejsonLiteral(value)
}

function* resolveFields(value: object, scope: ExpressionScope): Evaluation<unknown> {
  if (Object.keys(value).some((key) => operatorName(key) !== undefined)) return ejsonLiteral(value)
  const fields: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(value)) {
    const resolved: unknown = yield* resolveValue(field, scope)
    Object.defineProperty(fields, key, { value: resolved, enumerable: true })
  }
  return fields
}

function* callFunction(operand: unknown, scope: ExpressionScope): Evaluation<unknown> {
  if (!isDocument(operand) || typeof operand.name !== 'string') throw new ExpressionError('%function needs a name')
  const args: unknown = operand.arguments === undefined ? [] : yield* resolveValue(operand.arguments, scope)
  return yield { name: operand.name, args: Array.isArray(args) ? args : [args] }
}

/** Values written as extended JSON in a rules file, `{"$oid": "..."}` and the like. */
function ejsonLiteral(value: object): unknown {
  if (!isEjsonObject(value)) throw new ExpressionError(`unknown operator '${Object.keys(value)[0]}'`)
  try {
    return EJSON.deserialize({ value }, { relaxed: false }).value
  } catch (error) {
    throw new ExpressionError('invalid extended JSON', { cause: error })
  }
}

const ejsonKeys = new Set([
  '$oid',
  '$date',
  '$numberInt',
  '$numberLong',
  '$numberDouble',
  '$numberDecimal',
  '$binary',
  '$uuid',
  '$timestamp',
  '$minKey',
  '$maxKey',
])

function isEjsonObject(value: object): boolean {
  const keys = Object.keys(value)
  return keys.length === 1 && ejsonKeys.has(keys[0] ?? '')
}

/** An object that stands for a value rather than for a condition. */
function isValueObject(value: object): boolean {
  const [key = ''] = Object.keys(value)
  const operator = operatorName(key)
  return operator === 'function' || (operator !== undefined && conversions.has(operator)) || isEjsonObject(value)
}

function isOperatorObject(value: unknown): boolean {
  if (!isDocument(value) || isValueObject(value)) return false
  return Object.keys(value).some((key) => operatorName(key) !== undefined)
}
