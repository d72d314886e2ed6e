import { finite, writeDecimal } from '../../bson/decimal.ts'
import { add, divide, exactInteger, intOrLong, multiply, subtract, toDouble } from '../../bson/number.ts'
import {
  Decimal128,
  type Doc,
  dateMillis,
  int,
  isDoc,
  isNullish,
  isNumber,
  type NumberValue,
  typeName,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { ACCUMULATORS } from '../accumulator/index.ts'
import { compile } from '../expression/compile.ts'
import { isDateUnit } from '../expression/date-units.ts'
import { namedArguments, shown } from '../expression/define.ts'
import { constantOf, type Scope } from '../expression/scope.ts'
import { entryOf } from '../table.ts'
import { type Partition, parseWindow, type Window, windowRanges } from './bounds.ts'

/** One result for each document of a partition. */
export type WindowFunction = (partition: Partition) => Value[]

export interface WindowContext {
  readonly scope: Scope
  /** The direction of the only sort field; `undefined` when there is none or several. */
  readonly direction: 1 | -1 | undefined
  readonly isSorted: boolean
}

type CompileWindow = (
  operand: Value,
  windowSpec: Value | undefined,
  context: WindowContext,
  name: string,
) => WindowFunction

function boundsOf(windowSpec: Value | undefined, context: WindowContext): Window {
  const direction =
    context.direction ?? (context.isSorted && isDoc(windowSpec) && windowSpec.has('documents') ? 1 : undefined)
  return parseWindow(windowSpec, direction)
}

function refuseWindow(windowSpec: Value | undefined, name: string): void {
  if (windowSpec !== undefined) throw new DatabaseError(9, `${name} does not accept a 'window' field`)
}

const accumulate: CompileWindow = (operand, windowSpec, context, name) => {
  const plan = ACCUMULATORS.get(name)!(operand, context.scope, name)
  const window = boundsOf(windowSpec, context)
  const none: Doc = new Map()
  return (partition) => {
    const values = partition.docs.map((doc) => plan.evaluate(doc))
    const ranges = windowRanges(partition, window)
    let state = plan.create(none)
    let from = 0
    let to = 0
    let last: Value | undefined
    return ranges.map(({ first, last: end }) => {
      if (first === from && end + 1 === to && last !== undefined) return last
      if (first !== from || end + 1 < to) {
        state = plan.create(none)
        from = first
        to = first
      }
      for (; to <= end; to++) state.add(values[to])
      last = state.result() ?? null
      return last
    })
  }
}

function ranking(step: (previous: number, index: number, isTie: boolean) => number): CompileWindow {
  return (operand, windowSpec, context, name) => {
    if (!isDoc(operand) || operand.size > 0)
      throw new DatabaseError(5371603, `(None) ${name} must be specified with '{}' as the value`)
    if (windowSpec !== undefined) throw new DatabaseError(5371601, 'Window function found an unknown argument: window')
    if (context.direction === undefined) {
      throw new DatabaseError(
        5371602,
        `${name} must be specified with a top level sortBy expression with exactly one element`,
      )
    }
    return (partition) => {
      let current = 0
      return partition.docs.map((_doc, index) => {
        current = step(current, index, index > 0 && partition.isTie(index - 1, index))
        return int(current)
      })
    }
  }
}

const shift: CompileWindow = (operand, windowSpec, { scope, isSorted }, name) => {
  const spec = namedArguments(operand, name, ['output', 'by'], ['default'], {
    notObject: [9, `Argument to $shift must be an object, but found ${typeName(operand)}`],
    unknown: [9, 'Unknown argument in $shift: '],
    missing: [9, "$shift requires a '%' argument."],
  })
  refuseWindow(windowSpec, name)
  if (!isSorted) throw new DatabaseError(9, "'$shift' requires a sortBy")
  const by = spec.get('by')!
  const offset = isNumber(by) ? exactInteger(by) : undefined
  if (offset === undefined)
    throw new DatabaseError(9, `'$shift:by' field must be an integer, but found by: ${shown(by)}`)
  const output = compile(spec.get('output')!, scope)
  const fallback = constantOf(compile(spec.get('default') ?? null, scope))
  if (fallback === undefined) throw new DatabaseError(9, "'$shift:default' expression must yield a constant value.")
  return ({ docs }) =>
    docs.map((_doc, index) => {
      const other = docs[index + Number(offset)]
      return other === undefined ? (fallback.value ?? null) : (output(other) ?? null)
    })
}

const UNIT_MILLIS: Readonly<Record<string, number>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
}

/** `$derivative` and `$integral`: both read points (sort value, input). */
function calculus(
  run: (points: readonly { x: NumberValue; y: NumberValue }[], unitMillis: number) => Value,
): CompileWindow {
  return (operand, windowSpec, context, name) => {
    const spec = namedArguments(operand, name, ['input'], ['unit'], {
      notObject: [9, `${name} expects an object`],
      unknown: [9, `${name} got unexpected argument: `],
      missing: [9, `${name} requires an 'input' expression`],
    })
    if (context.direction === undefined) throw new DatabaseError(9, `${name} requires a sortBy`)
    if (windowSpec === undefined && name === '$derivative')
      throw new DatabaseError(9, '$derivative requires explicit window bounds')
    const unit = spec.get('unit')
    let unitMillis = 1
    if (unit !== undefined) {
      if (typeof unit !== 'string' || !isDateUnit(unit))
        throw new DatabaseError(9, `unknown time unit value: ${shown(unit)}`)
      const known = UNIT_MILLIS[unit]
      if (known === undefined) throw new DatabaseError(5490704, "unit must be 'week' or smaller")
      unitMillis = known
    }
    const input = compile(spec.get('input')!, context.scope)
    const window = boundsOf(windowSpec, context)
    const place = (value: Value | undefined): NumberValue => {
      if (value instanceof Date) {
        if (unit === undefined) throw new DatabaseError(5624901, `${name} where the sortBy is a Date requires a 'unit'`)
        return Number(dateMillis(value))
      }
      if (!isNumber(value)) throw new DatabaseError(5624900, `${name} requires the sortBy to be numeric or a date`)
      if (unit !== undefined)
        throw new DatabaseError(5624902, `${name} with 'unit' expects the sortBy field to be a Date`)
      return value
    }
    return (partition) =>
      windowRanges(partition, window).map(({ first, last }) => {
        const points: { x: NumberValue; y: NumberValue }[] = []
        for (let index = first; index <= last; index++) {
          const y = input(partition.docs[index]!)
          if (isNumber(y)) points.push({ x: place(partition.sortValues[index]), y })
          else if (name === '$derivative' && (index === first || index === last)) return null
        }
        return run(points, unitMillis)
      })
  }
}

const derivative = calculus((points, unitMillis) => {
  const first = points[0]
  const last = points[points.length - 1]
  if (first === undefined || last === undefined || points.length < 2) return null
  const run = subtract(last.x, first.x)
  if (toDouble(run) === 0) return null
  return divide(multiply(subtract(last.y, first.y), unitMillis === 1 ? int(1) : unitMillis), run)
})

const integral = calculus((points, unitMillis) => {
  let total: NumberValue = int(0)
  for (let index = 1; index < points.length; index++) {
    const left = points[index - 1]!
    const right = points[index]!
    total = add(total, divide(multiply(subtract(right.x, left.x), add(left.y, right.y)), int(2)))
  }
  return unitMillis === 1 ? total : divide(total, unitMillis)
})

const expMovingAvg: CompileWindow = (operand, windowSpec, { scope, isSorted }, name) => {
  const spec = namedArguments(operand, name, ['input'], ['N', 'alpha'], {
    notObject: [9, `$expMovingAvg must have exactly one of 'N' or 'alpha'`],
    unknown: [9, 'Got unrecognized field in $expMovingAvg: '],
    missing: [9, "$expMovingAvg requires an 'input' expression"],
  })
  if (!isSorted) throw new DatabaseError(9, "$expMovingAvg requires an explicit 'sortBy'")
  refuseWindow(windowSpec, name)
  const n = spec.get('N')
  const alphaValue = spec.get('alpha')
  if ((n === undefined) === (alphaValue === undefined)) {
    throw new DatabaseError(
      9,
      "$expMovingAvg sub object must have exactly two fields: An 'input' field, and either an 'N' field or an 'alpha' field",
    )
  }
  let alpha: NumberValue
  let exactAlpha: NumberValue | undefined
  if (n !== undefined) {
    const count = isNumber(n) ? exactInteger(n) : undefined
    if (count === undefined || count <= 0n)
      throw new DatabaseError(9, `'N' field must be a positive integer, but found type ${typeName(n)}`)
    alpha = 2 / (Number(count) + 1)
    exactAlpha = divide(writeDecimal(finite(2n, 0)), intOrLong(count + 1n))
  } else {
    if (!isNumber(alphaValue) || !(toDouble(alphaValue) > 0 && toDouble(alphaValue) < 1)) {
      throw new DatabaseError(9, `'alpha' must be between 0 and 1 (exclusive), found alpha: ${shown(alphaValue)}`)
    }
    alpha = alphaValue
  }
  const input = compile(spec.get('input')!, scope)
  return ({ docs }) => {
    let current: NumberValue | undefined
    return docs.map((doc) => {
      const value = input(doc)
      if (!isNumber(value)) return current ?? null
      const isDecimal = value instanceof Decimal128 || current instanceof Decimal128
      const weight = isDecimal ? (exactAlpha ?? alpha) : alpha
      current =
        current === undefined ? value : add(multiply(value, weight), multiply(current, subtract(int(1), weight)))
      return current
    })
  }
}

function covariance(sample: boolean): CompileWindow {
  return (operand, windowSpec, context, name) => {
    if (!Array.isArray(operand) || operand.length !== 2) {
      throw new DatabaseError(
        16020,
        `Expression ${name} takes exactly 2 arguments. ${Array.isArray(operand) ? operand.length : 1} were passed in.`,
      )
    }
    const [left, right] = operand.map((part) => compile(part, context.scope))
    const window = boundsOf(windowSpec, context)
    return (partition) => {
      const pairs = partition.docs.map((doc) => [left!(doc), right!(doc)] as const)
      return windowRanges(partition, window).map(({ first, last }) => {
        let count = 0
        let meanX = 0
        let meanY = 0
        let product = 0
        for (let index = first; index <= last; index++) {
          const [x, y] = pairs[index]!
          if (!isNumber(x) || !isNumber(y)) continue
          count++
          const dx = toDouble(x) - meanX
          meanX += dx / count
          meanY += (toDouble(y) - meanY) / count
          product += dx * (toDouble(y) - meanY)
        }
        const divisor = sample ? count - 1 : count
        return divisor <= 0 ? null : product / divisor
      })
    }
  }
}

const locf: CompileWindow = (operand, windowSpec, { scope }, name) => {
  refuseWindow(windowSpec, name)
  const input = compile(operand, scope)
  return ({ docs }) => {
    let current: Value = null
    return docs.map((doc) => {
      const value = input(doc)
      if (!isNullish(value)) current = value
      return current
    })
  }
}

const linearFill: CompileWindow = (operand, windowSpec, { scope, direction }, name) => {
  refuseWindow(windowSpec, name)
  if (direction === undefined) {
    throw new DatabaseError(
      605001,
      '$linearFill must be specified with a top level sortBy expression with exactly one element',
    )
  }
  const input = compile(operand, scope)
  return ({ docs, sortValues, isTie }) => {
    const place = (index: number): number => {
      const value = sortValues[index]
      if (value instanceof Date) return Number(dateMillis(value))
      if (!isNumber(value)) throw new DatabaseError(6050102, 'The sortBy field must be numeric or a date, but not both')
      return toDouble(value)
    }
    const values: Value[] = docs.map((doc, index) => {
      if (index > 0 && isTie(index - 1, index)) {
        throw new DatabaseError(6050106, 'There can be no repeated values in the sort field')
      }
      const value = input(doc)
      if (isNullish(value)) return null
      if (!isNumber(value)) throw new DatabaseError(6050103, `Value to be filled must be numeric or nullish`)
      return value
    })
    let known = -1
    for (let index = 0; index < values.length; index++) {
      const right = values[index]
      if (!isNumber(right)) continue
      const left = values[known]
      if (isNumber(left)) {
        for (let gap = known + 1; gap < index; gap++) {
          const fraction = (place(gap) - place(known)) / (place(index) - place(known))
          values[gap] = add(left, multiply(subtract(right, left), fraction))
        }
      }
      known = index
    }
    return values
  }
}

const OWN: Readonly<Record<string, CompileWindow>> = {
  $rank: ranking((previous, index, isTie) => (isTie ? previous : index + 1)),
  $denseRank: ranking((previous, _index, isTie) => (isTie ? previous : previous + 1)),
  $documentNumber: ranking((_previous, index) => index + 1),
  $shift: shift,
  $derivative: derivative,
  $integral: integral,
  $expMovingAvg: expMovingAvg,
  $covariancePop: covariance(false),
  $covarianceSamp: covariance(true),
  $locf: locf,
  $linearFill: linearFill,
}

/** Compiles one output field of `$setWindowFields`: `{ $operator: operand, window? }`. */
export function compileWindowFunction(spec: Doc, context: WindowContext): WindowFunction {
  let found: readonly [string, Value] | undefined
  for (const [name, operand] of spec) {
    if (name === 'window') continue
    if (found !== undefined) {
      throw new DatabaseError(9, `Window function found an unknown argument: ${name}`)
    }
    found = [name, operand]
  }
  if (found === undefined) throw new DatabaseError(9, 'Expected a $-prefixed window function')
  const [name, operand] = found
  const compileOwn = entryOf(OWN, name) ?? (ACCUMULATORS.has(name) && name !== '$mergeObjects' ? accumulate : undefined)
  if (compileOwn === undefined) throw new DatabaseError(9, `Unrecognized window function, ${name}`)
  return compileOwn(operand, spec.get('window'), context, name)
}
