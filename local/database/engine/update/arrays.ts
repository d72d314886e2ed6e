import { compareValues, valuesEqual, valuesIdentical } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { exactInteger } from '../../bson/number.ts'
import { printValue } from '../../bson/print.ts'
import { BSONRegExp, type Doc, isDoc, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { matchesRegex } from '../match/comparison.ts'
import { onValue } from '../match/condition.ts'
import { compileFilter, compileMatcher } from '../match/filter.ts'
import { compileOperators, hasOperators } from '../match/operators.ts'
import { compileSort } from '../sort.ts'
import type { Draft } from './draft.ts'
import type { CompileModifier, ModifierContext } from './modifier.ts'

function wholeNumber(value: Value, clause: string): number {
  const integer = isNumber(value) ? exactInteger(value) : undefined
  if (integer === undefined) {
    throw new DatabaseError(
      2,
      `The value for ${clause} must be an integer value but was given type: ${typeName(value)}`,
    )
  }
  return Number(integer)
}

interface PushClauses {
  readonly items: readonly Value[]
  readonly position: number | undefined
  readonly slice: number | undefined
  readonly sort: ((items: Value[]) => Value[]) | undefined
}

const PUSH_CLAUSES = new Set(['$each', '$position', '$slice', '$sort'])

function parsePush(operand: Value, context: ModifierContext): PushClauses {
  if (!isDoc(operand) || !operand.has('$each')) {
    return { items: [operand], position: undefined, slice: undefined, sort: undefined }
  }
  for (const name of operand.keys()) {
    if (!PUSH_CLAUSES.has(name)) throw new DatabaseError(2, `Unrecognized clause in $push: ${name}`)
  }
  const each = operand.get('$each')!
  if (!Array.isArray(each)) {
    throw new DatabaseError(2, `The argument to $each in $push must be an array but it was of type: ${typeName(each)}`)
  }
  const position = operand.get('$position')
  const slice = operand.get('$slice')
  const sort = operand.get('$sort')
  return {
    items: each,
    position: position === undefined ? undefined : wholeNumber(position, '$position'),
    slice: slice === undefined ? undefined : wholeNumber(slice, '$slice'),
    sort: sort === undefined ? undefined : parsePushSort(sort, context),
  }
}

function parsePushSort(sort: Value, { env }: ModifierContext): (items: Value[]) => Value[] {
  if (isNumber(sort)) {
    const direction = exactInteger(sort)
    if (direction !== 1n && direction !== -1n) {
      throw new DatabaseError(2, 'The $sort element value must be either 1 or -1')
    }
    const sign = Number(direction)
    return (items) => items.sort((a, b) => sign * compareValues(a, b, env.collation))
  }
  if (!isDoc(sort)) {
    throw new DatabaseError(
      2,
      'The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields',
    )
  }
  if (sort.size === 0) {
    throw new DatabaseError(2, 'The $sort pattern is empty when it should be a set of fields.')
  }
  for (const [field, order] of sort) {
    const direction = isNumber(order) ? exactInteger(order) : undefined
    if (direction !== 1n && direction !== -1n) {
      throw new DatabaseError(2, 'The $sort element value must be either 1 or -1')
    }
    if (field === '' || field.startsWith('.') || field.endsWith('.')) {
      throw new DatabaseError(2, `The $sort field is a dotted field but has an empty part: ${field}`)
    }
  }
  const sorter = compileSort(sort, env)
  const empty: Doc = new Map()
  return (items) => {
    const keyed = items.map((item) => ({ item, doc: isDoc(item) ? item : empty }))
    return keyed.sort((a, b) => sorter.compare(a.doc, b.doc)).map(({ item }) => item)
  }
}

export const push: CompileModifier = (operand, _path, context) => {
  const { items, position, slice, sort } = parsePush(operand, context)
  return (draft, at) => {
    const current = draft.get(at)
    if (current === undefined) draft.checkViable(at)
    else if (!Array.isArray(current)) {
      throw new DatabaseError(
        2,
        `The field '${at.join('.')}' must be an array but is of type ${typeName(current)} in document ${draft.label}`,
      )
    }
    const before = current ?? []
    let after = [...before]
    if (position === undefined) after.push(...items)
    else after.splice(position < 0 ? Math.max(0, before.length + position) : position, 0, ...items)
    if (sort) after = sort(after)
    if (slice !== undefined) after = slice >= 0 ? after.slice(0, slice) : after.slice(slice)
    replaceArray(draft, at, current, after)
  }
}

/** Sets an array; elements that were only appended are reported one by one, as MongoDB does. */
function replaceArray(
  draft: Draft,
  path: readonly string[],
  before: readonly Value[] | undefined,
  after: Value[],
): void {
  if (before === undefined) {
    draft.set(path, after)
    return
  }
  if (valuesIdentical(before as Value[], after)) return
  draft.set(path, after)
  const appended = after.length > before.length && before.every((item, index) => item === after[index])
  if (!appended || before.length === 0) return
  const { updatedFields } = draft.description
  const name = path.join('.')
  updatedFields.delete(name)
  for (let index = before.length; index < after.length; index++) updatedFields.set(`${name}.${index}`, after[index]!)
}

export const addToSet: CompileModifier = (operand, _path, { env }) => {
  let items: readonly Value[] = [operand]
  if (isDoc(operand) && operand.keys().next().value === '$each') {
    const each = operand.get('$each')!
    if (!Array.isArray(each)) {
      throw new DatabaseError(
        14,
        `The argument to $each in $addToSet must be an array but it was of type ${typeName(each)}`,
      )
    }
    if (operand.size > 1) {
      throw new DatabaseError(2, `Found unexpected fields after $each in $addToSet: ${printValue(operand)}`)
    }
    items = each
  }
  return (draft, at) => {
    const current = draft.get(at)
    if (current === undefined) draft.checkViable(at)
    else if (!Array.isArray(current)) {
      throw new DatabaseError(
        2,
        `Cannot apply $addToSet to non-array field. Field named '${at[at.length - 1]}' has non-array type ${typeName(current)}`,
      )
    }
    const before = current ?? []
    const known = new Set(before.map((item) => hashKey(item, env.collation)))
    const after = [...before]
    for (const item of items) {
      const key = hashKey(item, env.collation)
      if (known.has(key)) continue
      known.add(key)
      after.push(item)
    }
    replaceArray(draft, at, current, after)
  }
}

export const pop: CompileModifier = (operand, path) => {
  if (!isNumber(operand)) {
    throw new DatabaseError(9, `Expected a number in: ${path}: ${printValue(operand)}`)
  }
  const end = exactInteger(operand)
  if (end === undefined) throw new DatabaseError(9, `Expected an integer: ${path}: ${printValue(operand)}`)
  if (end !== 1n && end !== -1n) throw new DatabaseError(9, `$pop expects 1 or -1, found: ${end}`)
  return (draft, at) => {
    const current = draft.get(at)
    if (current === undefined) {
      draft.checkViable(at)
      return
    }
    if (!Array.isArray(current)) {
      throw new DatabaseError(14, `Path '${at.join('.')}' contains an element of non-array type '${typeName(current)}'`)
    }
    if (current.length > 0) draft.set(at, end === 1n ? current.slice(0, -1) : current.slice(1))
  }
}

function removeWhere(draft: Draft, at: readonly string[], name: string, removes: (item: Value) => boolean): void {
  const current = draft.get(at)
  if (current === undefined) {
    draft.checkViable(at)
    return
  }
  if (!Array.isArray(current)) throw new DatabaseError(2, `Cannot apply ${name} to a non-array value`)
  const kept = current.filter((item) => !removes(item))
  if (kept.length !== current.length) draft.set(at, kept)
}

export const pull: CompileModifier = (operand, _path, { env }) => {
  let removes: (item: Value) => boolean
  if (operand instanceof BSONRegExp) removes = matchesRegex(operand)
  else if (hasOperators(operand) && !['$and', '$or', '$nor', '$expr'].includes(operand.keys().next().value ?? '')) {
    removes = onValue(compileOperators(operand, env, compileMatcher))
  } else if (isDoc(operand)) {
    const matches = compileFilter(operand, env)
    removes = (item) => isDoc(item) && matches(item)
  } else removes = (item) => valuesEqual(item, operand, env.collation)
  return (draft, at) => removeWhere(draft, at, '$pull', removes)
}

export const pullAll: CompileModifier = (operand, _path, { env }) => {
  if (!Array.isArray(operand)) {
    throw new DatabaseError(2, `$pullAll requires an array argument but was given a ${typeName(operand)}`)
  }
  const keys = new Set(operand.map((item) => hashKey(item, env.collation)))
  return (draft, at) => removeWhere(draft, at, '$pull', (item) => keys.has(hashKey(item, env.collation)))
}
