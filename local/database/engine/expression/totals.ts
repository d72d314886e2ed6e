import { compareValues } from '../../bson/compare.ts'
import { toDouble } from '../../bson/number.ts'
import { isNullish, isNumber, type Value } from '../../bson/value.ts'
import { parsePercentile, percentiles } from '../accumulator/percentile.ts'
import { Deviation, NumberTotal } from '../accumulator/sum.ts'
import { compile } from './compile.ts'
import { argumentsOf, type Operators } from './define.ts'
import type { CompileOperator, Scope } from './scope.ts'

// The accumulators that are also expressions: over their arguments, or over the elements of a single array.

function over(run: (values: readonly (Value | undefined)[], scope: Scope) => Value): CompileOperator {
  return (operand, scope) => {
    const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
    if (parts.length === 1) {
      const [only] = parts as [(typeof parts)[number]]
      return (doc) => {
        const value = only(doc)
        return run(Array.isArray(value) ? value : [value], scope)
      }
    }
    return (doc) =>
      run(
        parts.map((part) => part(doc)),
        scope,
      )
  }
}

function total(values: readonly (Value | undefined)[]): NumberTotal {
  const result = new NumberTotal()
  for (const value of values) result.add(value)
  return result
}

const extreme = (sign: 1 | -1): CompileOperator =>
  over((values, { env }) => {
    let best: Value | undefined
    for (const value of values) {
      if (isNullish(value)) continue
      if (best === undefined || compareValues(value, best, env.collation) * sign > 0) best = value
    }
    return best ?? null
  })

const deviation = (sample: boolean): CompileOperator =>
  over((values) => {
    const result = new Deviation()
    for (const value of values) result.add(value)
    return result.result(sample)
  })

const percentile: CompileOperator = (operand, scope, name) => {
  const { input, fractions } = parsePercentile(operand, scope, name)
  return (doc) => {
    const value = input(doc)
    const numbers = (Array.isArray(value) ? value : [value]).filter(isNumber).map(toDouble)
    const found = percentiles(numbers, fractions)
    return name === '$median' ? (found[0] ?? null) : found
  }
}

export const TOTALS: Operators = {
  $sum: over((values) => total(values).total()),
  $avg: over((values) => total(values).mean()),
  $min: extreme(-1),
  $max: extreme(1),
  $stdDevPop: deviation(false),
  $stdDevSamp: deviation(true),
  $percentile: percentile,
  $median: percentile,
}
