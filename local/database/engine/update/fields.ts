import { compareValues, valuesIdentical } from '../../bson/compare.ts'
import {
  addChecked,
  exactInteger,
  intOrLong,
  isNaNValue,
  LONG_MAX,
  multiplyChecked,
  zeroOf,
} from '../../bson/number.ts'
import { printValue } from '../../bson/print.ts'
import { Int32, int, isDoc, isNumber, type NumberValue, Timestamp, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Draft } from './draft.ts'
import type { CompileModifier } from './modifier.ts'
import { parseUpdatePath } from './paths.ts'

function assign(draft: Draft, path: readonly string[], value: Value): void {
  const current = draft.get(path)
  if (current !== undefined && valuesIdentical(current, value)) return
  draft.checkViable(path)
  draft.set(path, value)
}

export const set: CompileModifier = (operand) => (draft, path) => assign(draft, path, operand)

export const unset: CompileModifier = () => (draft, path) => draft.unset(path)

/** MongoDB lets a number be that became one of its type and value: zero of either sign, `1.0` for `1.00`, never NaN. */
function isSameNumber(a: NumberValue, b: NumberValue): boolean {
  return typeName(a) === typeName(b) && !isNaNValue(a) && compareValues(a, b) === 0
}

/** `$inc` and `$mul` differ in the calculation, the value for a missing field, and their words. */
function arithmetic(
  name: '$inc' | '$mul',
  verb: string,
  calculate: (a: NumberValue, b: NumberValue) => NumberValue | undefined,
): CompileModifier {
  return (operand, path) => {
    if (!isNumber(operand)) {
      throw new DatabaseError(14, `Cannot ${verb} with non-numeric argument: {${path}: ${printValue(operand)}}`)
    }
    return (draft, at) => {
      const current = draft.get(at)
      if (current === undefined) {
        draft.checkViable(at)
        draft.set(at, name === '$inc' ? operand : zeroOf(operand))
        return
      }
      if (!isNumber(current)) {
        throw new DatabaseError(
          14,
          `Cannot apply ${name} to a value of non-numeric type. ${draft.label} has the field '${at[at.length - 1]}' of non-numeric type ${typeName(current)}`,
        )
      }
      const result = calculate(current, operand)
      if (result === undefined) {
        throw new DatabaseError(
          2,
          `Failed to apply ${name} operations to current value ((NumberLong)${printValue(current)}) for document ${draft.label}`,
        )
      }
      if (!isSameNumber(current, result)) draft.set(at, result)
    }
  }
}

export const inc = arithmetic('$inc', 'increment', addChecked)
export const mul = arithmetic('$mul', 'multiply', multiplyChecked)

const extreme =
  (direction: 1 | -1): CompileModifier =>
  (operand, _path, { env }) =>
  (draft, at) => {
    const current = draft.get(at)
    if (current !== undefined && compareValues(operand, current, env.collation) * direction <= 0) return
    draft.checkViable(at)
    draft.set(at, operand)
  }

export const max = extreme(1)
export const min = extreme(-1)

export const currentDate: CompileModifier = (operand, _path, { env }) => {
  let kind: Value | undefined
  if (typeof operand === 'boolean') kind = 'date'
  else if (isDoc(operand)) {
    for (const name of operand.keys()) {
      if (name !== '$type') throw new DatabaseError(2, `Unrecognized $currentDate option: ${name}`)
    }
    kind = operand.get('$type')
    if (kind !== 'date' && kind !== 'timestamp') {
      throw new DatabaseError(
        2,
        "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
      )
    }
  } else {
    throw new DatabaseError(
      2,
      `${typeName(operand)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).`,
    )
  }
  return (draft, at) => {
    const now =
      kind === 'date' ? env.now : (env.clusterTime ?? new Timestamp({ t: Math.floor(env.now.getTime() / 1000), i: 1 }))
    assign(draft, at, now)
  }
}

export const rename: CompileModifier = (operand, path) => {
  if (typeof operand !== 'string') {
    throw new DatabaseError(2, `The 'to' field for $rename must be a string: ${path}: ${printValue(operand)}`)
  }
  const target = parseUpdatePath(operand)
  const source = path.split('.')
  if (operand === path) {
    throw new DatabaseError(2, `The source and target field for $rename must differ: ${path}: "${operand}"`)
  }
  if (operand.startsWith(`${path}.`) || path.startsWith(`${operand}.`)) {
    throw new DatabaseError(
      2,
      `The source and target field for $rename must not be on the same path: ${path}: "${operand}"`,
    )
  }
  if ([...source, ...target].some((part) => part.startsWith('$'))) {
    const dynamic = source.some((part) => part.startsWith('$')) ? path : operand
    const which = dynamic === path ? 'source' : 'destination'
    throw new DatabaseError(2, `The ${which} field for $rename may not be dynamic: ${dynamic}`)
  }
  return (draft) => {
    const value = draft.get(source)
    if (value === undefined) {
      draft.checkViable(source)
      return
    }
    for (let length = 1; length < source.length; length++) {
      const at = source.slice(0, length)
      if (Array.isArray(draft.get(at))) throw inArray('source', path, at[at.length - 1]!, draft)
    }
    for (let length = 1; length < target.length; length++) {
      const at = target.slice(0, length)
      if (Array.isArray(draft.get(at))) throw inArray('destination', operand, at[at.length - 1]!, draft)
    }
    draft.checkViable(target)
    draft.unset(source)
    draft.set(target, value)
  }
}

function inArray(which: string, path: string, array: string, draft: Draft): DatabaseError {
  const id = draft.original.get('_id')
  return new DatabaseError(
    2,
    `The ${which} field cannot be an array element, '${path}' in doc with _id: ${printValue(id)} has an array field called '${array}'`,
  )
}

type BitOperation = 'and' | 'or' | 'xor'

const BIT_OPERATIONS: Readonly<Record<BitOperation, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
}

export const bit: CompileModifier = (operand, path) => {
  if (!isDoc(operand)) {
    throw new DatabaseError(
      2,
      `The $bit modifier is not compatible with a ${typeName(operand)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    )
  }
  if (operand.size === 0) {
    throw new DatabaseError(
      2,
      `You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}`,
    )
  }
  const steps = Array.from(operand, ([name, value]) => {
    if (name !== 'and' && name !== 'or' && name !== 'xor') {
      throw new DatabaseError(
        2,
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator: {${path}: ${printValue(operand)}}`,
      )
    }
    if (!(value instanceof Int32) && typeof value !== 'bigint') {
      throw new DatabaseError(
        2,
        `The $bit modifier field must be an Integer(32/64 bit); a '${typeName(value)}' is not supported here: {${name}: ${printValue(value)}}`,
      )
    }
    return { apply: BIT_OPERATIONS[name], value }
  })
  return (draft, at) => {
    const stored = draft.get(at)
    const current = stored === undefined ? int(0) : stored
    if (!(current instanceof Int32) && typeof current !== 'bigint') {
      throw new DatabaseError(
        2,
        `Cannot apply $bit to a value of non-integral type.${draft.label.slice(1, -1)} has the field ${at[at.length - 1]} of non-integer type ${typeName(current)}`,
      )
    }
    let wide = typeof current === 'bigint'
    let result = exactInteger(current)!
    for (const { apply, value } of steps) {
      if (typeof value === 'bigint') wide = true
      result = apply(result, exactInteger(value)!)
    }
    assign(draft, at, wide ? BigInt.asIntN(64, result & (LONG_MAX * 2n + 1n)) : intOrLong(Number(result)))
  }
}
