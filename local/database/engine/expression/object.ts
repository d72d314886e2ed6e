import { type Doc, isDoc, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from './compile.ts'
import { namedArguments, type Operators, shown, unary, variadic } from './define.ts'
import { type CompileOperator, constantOf } from './scope.ts'

const mergeObjects = variadic((values) => {
  const result: Doc = new Map()
  for (const value of values) {
    if (isNullish(value)) continue
    if (!isDoc(value)) {
      throw new DatabaseError(
        40400,
        `$mergeObjects requires object inputs, but input ${shown(value)} is of type ${typeName(value)}`,
      )
    }
    for (const [name, field] of value) result.set(name, field)
  }
  return result
})

const objectToArray = unary((value) => {
  if (isNullish(value)) return null
  if (!isDoc(value)) {
    throw new DatabaseError(40390, `$objectToArray requires a document input, found: ${typeName(value)}`)
  }
  return Array.from(
    value,
    ([name, field]): Doc =>
      new Map<string, Value>([
        ['k', name],
        ['v', field],
      ]),
  )
})

const getField: CompileOperator = (operand, scope, name) => {
  let fieldSpec: Value = operand
  let inputSpec: Value = '$$CURRENT'
  if (isDoc(operand) && !operand.keys().next().value?.startsWith('$')) {
    const spec = namedArguments(operand, name, ['field', 'input'], [], {
      notObject: [3041701, ''],
      unknown: [3041701, '$getField found an unknown argument: '],
      missing: [operand.has('field') ? 3041703 : 3041702, "$getField requires '%' to be specified"],
    })
    fieldSpec = spec.get('field')!
    inputSpec = spec.get('input')!
  }
  const field = compile(fieldSpec, scope)
  const input = compile(inputSpec, scope)
  const fixed = constantOf(field)
  if (fixed !== undefined && typeof fixed.value !== 'string') {
    throw new DatabaseError(
      5654602,
      `$getField requires 'field' to evaluate to type String, but got ${typeName(fixed.value)}`,
    )
  }
  return (doc) => {
    const key = field(doc)
    if (typeof key !== 'string') {
      throw new DatabaseError(
        3041704,
        `$getField requires 'field' to evaluate to type String, but got ${typeName(key)}`,
      )
    }
    const value = input(doc)
    if (isDoc(value)) return value.get(key)
    return isNullish(value) && value !== undefined ? null : undefined
  }
}

function setter(removes: boolean): CompileOperator {
  return (operand, scope, name) => {
    const required = removes ? ['field', 'input'] : ['field', 'input', 'value']
    const spec = namedArguments(operand, name, required, [], {
      notObject: [4161100, `${name} only supports an object as its argument`],
      unknown: [4161101, `${name} found an unknown argument: `],
      missing: [
        isDoc(operand) && operand.has('field') ? (operand.has('input') ? 4161103 : 4161109) : 4161102,
        `${name} requires '%' to be specified`,
      ],
    })
    const field = constantOf(compile(spec.get('field')!, scope))
    if (field === undefined) {
      throw new DatabaseError(4161106, `${name} requires 'field' to evaluate to a constant`)
    }
    const key = field.value
    if (typeof key !== 'string') {
      throw new DatabaseError(4161107, `${name} requires 'field' to evaluate to type String, but got ${typeName(key)}`)
    }
    const input = compile(spec.get('input')!, scope)
    const value = removes ? () => undefined : compile(spec.get('value')!, scope)
    return (doc) => {
      const target = input(doc)
      if (isNullish(target)) return null
      if (!isDoc(target)) throw new DatabaseError(4161105, `${name} requires 'input' to evaluate to type Object`)
      const result = new Map(target)
      const replacement = value(doc)
      if (replacement === undefined) result.delete(key)
      else result.set(key, replacement)
      return result
    }
  }
}

export const OBJECT: Operators = {
  $mergeObjects: mergeObjects,
  $objectToArray: objectToArray,
  $getField: getField,
  $setField: setter(false),
  $unsetField: setter(true),
}
