import { compareValues, typeOrder } from '../../bson/compare.ts'
import { exactInteger } from '../../bson/number.ts'
import { type Doc, int, isDoc, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import { constantOf, type Evaluate, rootScope, type Scope } from '../expression/scope.ts'
import { type AccumulatedField, compileAccumulatedField, groupBy } from './group.ts'
import { type CompileStage, specDoc } from './stage.ts'

function outputFields(spec: Doc, scope: Scope, code: number, stage: string): AccumulatedField[] {
  const output = spec.get('output')
  if (output === undefined) return [compileAccumulatedField('count', new Map([['$sum', int(1)]]), scope)]
  if (!isDoc(output)) {
    throw new DatabaseError(code, `The ${stage} 'output' field must be an object, but found type: ${typeName(output)}.`)
  }
  return Array.from(output, ([name, field]) => compileAccumulatedField(name, field, scope))
}

function checkGroupBy(groupBySpec: Value, code: number, stage: string): void {
  const isPath = typeof groupBySpec === 'string' && groupBySpec.startsWith('$')
  const isExpression = isDoc(groupBySpec)
  if (!isPath && !isExpression) {
    throw new DatabaseError(
      code,
      `The ${stage} 'groupBy' field must be defined as a $-prefixed path or an expression, but found: ${shown(groupBySpec)}.`,
    )
  }
}

export const bucket: CompileStage = (specValue, env) => {
  const spec = specDoc(
    '$bucket',
    specValue,
    40201,
    `Argument to $bucket stage must be an object, but found type: ${typeName(specValue)}.`,
  )
  for (const field of spec.keys()) {
    if (!['groupBy', 'boundaries', 'default', 'output'].includes(field)) {
      throw new DatabaseError(40197, `Unrecognized option to $bucket: ${field}.`)
    }
  }
  const groupBySpec = spec.get('groupBy')
  const boundariesSpec = spec.get('boundaries')
  if (groupBySpec === undefined || boundariesSpec === undefined) {
    throw new DatabaseError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.")
  }
  checkGroupBy(groupBySpec, 40202, '$bucket')
  if (!Array.isArray(boundariesSpec)) {
    throw new DatabaseError(
      40200,
      `The $bucket 'boundaries' field must be an array, but found type: ${typeName(boundariesSpec)}.`,
    )
  }
  if (boundariesSpec.length < 2) {
    throw new DatabaseError(
      40192,
      `The $bucket 'boundaries' field must have at least 2 values, but found ${boundariesSpec.length} value(s).`,
    )
  }
  const scope = rootScope(env)
  const boundaries = boundariesSpec.map((item) =>
    constantValue(compile(item, scope), 40191, "The $bucket 'boundaries' field must be an array of constant values"),
  )
  for (let index = 1; index < boundaries.length; index++) {
    const [low, high] = [boundaries[index - 1]!, boundaries[index]!]
    if (typeOrder(low) !== typeOrder(high)) {
      throw new DatabaseError(
        40193,
        `All values in the 'boundaries' option to $bucket must have the same type. Found conflicting types ${typeName(low)} and ${typeName(high)}.`,
      )
    }
    if (compareValues(low, high, env.collation) >= 0) {
      throw new DatabaseError(
        40194,
        `The 'boundaries' option to $bucket must be sorted, but elements ${index - 1} and ${index} are not in ascending order (${shown(low)} is not less than ${shown(high)}).`,
      )
    }
  }
  const defaultSpec = spec.get('default')
  const fallback =
    defaultSpec === undefined
      ? undefined
      : constantValue(compile(defaultSpec, scope), 40195, "The $bucket 'default' field must be a constant")
  if (
    fallback !== undefined &&
    typeOrder(fallback) === typeOrder(boundaries[0]) &&
    compareValues(fallback, boundaries[0], env.collation) >= 0 &&
    compareValues(fallback, boundaries.at(-1), env.collation) < 0
  ) {
    throw new DatabaseError(
      40199,
      "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.",
    )
  }
  const fields = outputFields(spec, scope, 40196, '$bucket')
  const groupValue = compile(groupBySpec, scope)
  const bucketOf = (doc: Doc): Value => {
    const value = groupValue(doc)
    let low = 0
    let high = boundaries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareValues(boundaries[middle], value, env.collation) <= 0) low = middle + 1
      else high = middle
    }
    if (low > 0 && low < boundaries.length) return boundaries[low - 1]!
    if (fallback !== undefined) return fallback
    throw new DatabaseError(
      40066,
      '$switch could not find a matching branch for an input, and no default was specified.',
    )
  }
  return function* (input) {
    const groups = Array.from(groupBy(input, bucketOf, fields, scope))
    yield* groups.sort((a, b) => compareValues(a.get('_id'), b.get('_id'), env.collation))
  }
}

function constantValue(evaluate: Evaluate, code: number, text: string): Value {
  const found = constantOf(evaluate)
  if (found === undefined) throw new DatabaseError(code, text)
  return found.value ?? null
}

export const bucketAuto: CompileStage = (specValue, env) => {
  const spec = specDoc(
    '$bucketAuto',
    specValue,
    40240,
    `The argument to $bucketAuto must be an object, but found type: ${typeName(specValue)}.`,
  )
  for (const field of spec.keys()) {
    if (!['groupBy', 'buckets', 'output', 'granularity'].includes(field)) {
      throw new DatabaseError(40245, `Unrecognized option to $bucketAuto: ${field}.`)
    }
  }
  const groupBySpec = spec.get('groupBy')
  const bucketsSpec = spec.get('buckets')
  if (groupBySpec === undefined || bucketsSpec === undefined) {
    throw new DatabaseError(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified.")
  }
  checkGroupBy(groupBySpec, 40239, '$bucketAuto')
  if (!isNumber(bucketsSpec)) {
    throw new DatabaseError(
      40241,
      `The $bucketAuto 'buckets' field must be a numeric value, but found type: ${typeName(bucketsSpec)}.`,
    )
  }
  const bucketCount = Number(exactInteger(bucketsSpec) ?? Number.NaN)
  if (Number.isNaN(bucketCount)) {
    throw new DatabaseError(
      40242,
      `The $bucketAuto 'buckets' field must be representable as a 32-bit integer, but found ${shown(bucketsSpec)}.`,
    )
  }
  if (bucketCount <= 0)
    throw new DatabaseError(40243, `The $bucketAuto 'buckets' field must be greater than 0, but found: ${bucketCount}.`)
  if (spec.has('granularity'))
    throw new DatabaseError(238, "$bucketAuto's granularity is not supported by the local database")
  const scope = rootScope(env)
  const fields = outputFields(spec, scope, 40244, '$bucketAuto')
  const groupValue = compile(groupBySpec, scope)
  const compare = (a: Value | undefined, b: Value | undefined): number => compareValues(a, b, env.collation)
  return function* (input) {
    const entries = Array.from(input, (doc) => ({ doc, value: groupValue(doc) ?? null }))
    entries.sort((a, b) => compare(a.value, b.value))
    const size = Math.max(1, Math.round(entries.length / bucketCount))
    let start = 0
    for (let number = 1; start < entries.length; number++) {
      let end = number === bucketCount ? entries.length : Math.min(entries.length, start + size)
      while (end < entries.length && compare(entries[end]!.value, entries[end - 1]!.value) === 0) end++
      const states = fields.map(({ plan }) => ({ plan, state: plan.create(new Map()) }))
      for (const { doc } of entries.slice(start, end))
        for (const { plan, state } of states) state.add(plan.evaluate(doc))
      const max = end < entries.length ? entries[end]!.value : entries[end - 1]!.value
      const id: Doc = new Map([
        ['min', entries[start]!.value],
        ['max', max],
      ])
      const result: Doc = new Map([['_id', id]])
      fields.forEach(({ name }, index) => {
        result.set(name, states[index]!.state.result() ?? null)
      })
      yield result
      start = end
    }
  }
}
