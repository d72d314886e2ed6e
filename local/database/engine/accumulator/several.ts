import { type Collation, compareValues } from '../../bson/compare.ts'
import { type Doc, isDoc, isNullish, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { countOf } from '../expression/array.ts'
import { compile } from '../expression/compile.ts'
import { namedArguments, shown } from '../expression/define.ts'
import { compileSort } from '../sort.ts'
import type { Accumulator, CompileAccumulator } from './accumulator.ts'

type Input = Value | undefined

/** Keeps the first or last `n` values. */
class Ends implements Accumulator {
  #items: Value[] = []
  readonly #n: number
  readonly #first: boolean
  constructor(n: number, first: boolean) {
    this.#n = n
    this.#first = first
  }
  add(value: Input): void {
    if (this.#first) {
      if (this.#items.length < this.#n) this.#items.push(value ?? null)
      return
    }
    this.#items.push(value ?? null)
    if (this.#items.length > this.#n * 2 + 64) this.#items = this.#items.slice(-this.#n)
  }
  result(): Value {
    return this.#first ? this.#items.slice() : this.#items.slice(-this.#n)
  }
}

/** Keeps the `n` values that come first in an order. */
class Ranked implements Accumulator {
  #items: Value[] = []
  readonly #n: number
  readonly #compare: (a: Value, b: Value) => number
  readonly #skipsNullish: boolean
  constructor(n: number, compare: (a: Value, b: Value) => number, skipsNullish: boolean) {
    this.#n = n
    this.#compare = compare
    this.#skipsNullish = skipsNullish
  }
  add(value: Input): void {
    if (this.#skipsNullish && isNullish(value)) return
    this.#items.push(value ?? null)
    if (this.#items.length > this.#n * 2 + 64) this.#trim()
  }
  #trim(): void {
    this.#items.sort(this.#compare)
    this.#items = this.#items.slice(0, this.#n)
  }
  result(): Value[] {
    this.#trim()
    return this.#items.slice()
  }
}

const ERRORS = {
  notObject: [5787900, 'specification must be an object'],
  unknown: [5787901, "Unknown argument for 'n' operator: "],
  missing: [5787906, "Missing value for '%'"],
} as const

function nValues(create: (n: number, collation: Collation | undefined) => Accumulator): CompileAccumulator {
  return (operand, scope, name) => {
    if (!isDoc(operand)) {
      throw new DatabaseError(5787900, `specification must be an object; found ${name}: ${shown(operand)}`)
    }
    const spec = namedArguments(operand, name, ['input', 'n'], [], ERRORS)
    const n = compile(spec.get('n')!, scope)
    return {
      evaluate: compile(spec.get('input')!, scope),
      create: (group) => create(countOf(n(group)), scope.env.collation),
    }
  }
}

/** `$top`, `$bottom` and their N forms: the output of the documents at one end of an order. */
function sorted(bottom: boolean, single: boolean): CompileAccumulator {
  return (operand, scope, name) => {
    const required = single ? ['sortBy', 'output'] : ['n', 'sortBy', 'output']
    const spec = namedArguments(operand, name, required, [], {
      notObject: [5788001, `specification must be an object; found ${name}: ${shown(operand)}`],
      unknown: [5788002, `Unknown argument to ${name} '`],
      missing: [5788003, `Missing value for '%'`],
    })
    const sortBy = spec.get('sortBy')!
    if (!isDoc(sortBy))
      throw new DatabaseError(10065, `expected 'sortBy' to already be an object in the arguments to ${name}`)
    const sorter = compileSort(sortBy, scope.env)
    const output = compile(spec.get('output')!, scope)
    const n = single ? undefined : compile(spec.get('n')!, scope)
    const sign = bottom ? -1 : 1
    const rankOf = (entry: Value): Doc => (entry as Doc[])[0]!
    const outputOf = (entry: Value): Value => (entry as Value[])[1]!
    return {
      evaluate: (doc) => [doc, output(doc) ?? null],
      create: (group) => {
        const ranked = new Ranked(
          n === undefined ? 1 : countOf(n(group)),
          (a, b) => sign * sorter.compare(rankOf(a), rankOf(b)),
          false,
        )
        const result = (): Value => {
          const found = ranked.result().map(outputOf)
          if (single) return found[0] ?? null
          return bottom ? found.reverse() : found
        }
        return { add: (value) => ranked.add(value), result }
      },
    }
  }
}

export const SEVERAL: Readonly<Record<string, CompileAccumulator>> = {
  $firstN: nValues((n) => new Ends(n, true)),
  $lastN: nValues((n) => new Ends(n, false)),
  $minN: nValues((n, collation) => new Ranked(n, (a, b) => compareValues(a, b, collation), true)),
  $maxN: nValues((n, collation) => new Ranked(n, (a, b) => compareValues(b, a, collation), true)),
  $top: sorted(false, true),
  $bottom: sorted(true, true),
  $topN: sorted(false, false),
  $bottomN: sorted(true, false),
}
