import { toDouble } from '../../bson/number.ts'
import { isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { namedArguments, shown } from '../expression/define.ts'
import { constantOf, type Evaluate, type Scope } from '../expression/scope.ts'
import type { Accumulator, CompileAccumulator } from './accumulator.ts'

/** The value at rank ceil(p * n) of the sorted numbers, which the approximate method gives for sets it holds whole. */
export function percentiles(numbers: readonly number[], fractions: readonly number[]): (number | null)[] {
  const sorted = Float64Array.from(numbers).sort()
  return fractions.map((fraction) => {
    if (sorted.length === 0) return null
    return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? null
  })
}

export interface PercentileSpec {
  readonly input: Evaluate
  readonly fractions: readonly number[]
}

export function parsePercentile(operand: Value, scope: Scope, name: string): PercentileSpec {
  const spec = namedArguments(operand, name, name === '$median' ? ['input', 'method'] : ['input', 'p', 'method'], [], {
    notObject: [7436100, `specification must be an object; found ${name}: ${shown(operand)}`],
    unknown: [40415, `BSON field '${name}.`],
    missing: [40414, `BSON field '${name}.%' is missing but a required field`],
  })
  const method = spec.get('method')
  if (method !== 'approximate') {
    throw new DatabaseError(2, `Currently only 'approximate' can be used as percentile 'method'.`)
  }
  let fractions = [0.5]
  if (name === '$percentile') {
    const given = constantOf(compile(spec.get('p')!, scope))?.value
    if (!Array.isArray(given) || given.length === 0) {
      throw new DatabaseError(
        7750300,
        `The $percentile 'p' field must be an array of constant values, but found value: ${shown(given)}.`,
      )
    }
    fractions = given.map((fraction) => {
      if (!isNumber(fraction)) {
        throw new DatabaseError(
          7750302,
          `The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: ${shown(fraction)}`,
        )
      }
      const value = toDouble(fraction)
      if (!(value >= 0 && value <= 1)) {
        throw new DatabaseError(
          7750303,
          `The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: ${shown(fraction)}`,
        )
      }
      return value
    })
  }
  return { input: compile(spec.get('input')!, scope), fractions }
}

class Percentile implements Accumulator {
  readonly #numbers: number[] = []
  readonly #fractions: readonly number[]
  readonly #single: boolean
  constructor(fractions: readonly number[], single: boolean) {
    this.#fractions = fractions
    this.#single = single
  }
  add(value: Value | undefined): void {
    if (!isNumber(value)) return
    const number = toDouble(value)
    if (!Number.isNaN(number)) this.#numbers.push(number)
  }
  result(): Value {
    const found = percentiles(this.#numbers, this.#fractions)
    return this.#single ? (found[0] ?? null) : found
  }
}

const compilePercentile: CompileAccumulator = (operand, scope, name) => {
  const { input, fractions } = parsePercentile(operand, scope, name)
  return { evaluate: input, create: () => new Percentile(fractions, name === '$median') }
}

export const PERCENTILE: Readonly<Record<string, CompileAccumulator>> = {
  $percentile: compilePercentile,
  $median: compilePercentile,
}
