import { type Collation, compareValues } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { type Doc, int, isDoc, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import type { Accumulator, CompileAccumulator } from './accumulator.ts'
import { Deviation, NumberTotal } from './sum.ts'

type Input = Value | undefined

class Sum implements Accumulator {
  readonly #total = new NumberTotal()
  add(value: Input): void {
    this.#total.add(value)
  }
  result(): Value {
    return this.#total.total()
  }
}

class Average implements Accumulator {
  readonly #total = new NumberTotal()
  add(value: Input): void {
    this.#total.add(value)
  }
  result(): Value {
    return this.#total.mean()
  }
}

class Extreme implements Accumulator {
  #best: Input
  readonly #sign: 1 | -1
  readonly #collation: Collation | undefined
  constructor(sign: 1 | -1, collation: Collation | undefined) {
    this.#sign = sign
    this.#collation = collation
  }
  add(value: Input): void {
    if (isNullish(value)) return
    if (this.#best === undefined || compareValues(value, this.#best, this.#collation) * this.#sign > 0)
      this.#best = value
  }
  result(): Value {
    return this.#best ?? null
  }
}

class First implements Accumulator {
  #value: Input
  #seen = false
  add(value: Input): void {
    if (this.#seen) return
    this.#seen = true
    this.#value = value
  }
  result(): Value {
    return this.#value ?? null
  }
}

class Last implements Accumulator {
  #value: Input
  add(value: Input): void {
    this.#value = value
  }
  result(): Value {
    return this.#value ?? null
  }
}

class Push implements Accumulator {
  readonly #items: Value[] = []
  add(value: Input): void {
    if (value !== undefined) this.#items.push(value)
  }
  result(): Value {
    return this.#items.slice()
  }
}

class AddToSet implements Accumulator {
  readonly #items = new Map<string, Value>()
  readonly #collation: Collation | undefined
  constructor(collation: Collation | undefined) {
    this.#collation = collation
  }
  add(value: Input): void {
    if (value === undefined) return
    const key = hashKey(value, this.#collation)
    if (!this.#items.has(key)) this.#items.set(key, value)
  }
  result(): Value {
    return Array.from(this.#items.values())
  }
}

class MergeObjects implements Accumulator {
  readonly #merged: Doc = new Map()
  add(value: Input): void {
    if (isNullish(value)) return
    if (!isDoc(value)) {
      throw new DatabaseError(
        40400,
        `$mergeObjects requires object inputs, but input ${shown(value)} is of type ${typeName(value)}`,
      )
    }
    for (const [name, field] of value) this.#merged.set(name, field)
  }
  result(): Value {
    return new Map(this.#merged)
  }
}

class Spread implements Accumulator {
  readonly #deviation = new Deviation()
  readonly #sample: boolean
  constructor(sample: boolean) {
    this.#sample = sample
  }
  add(value: Input): void {
    this.#deviation.add(value)
  }
  result(): Value {
    return this.#deviation.result(this.#sample)
  }
}

class Count implements Accumulator {
  #count = 0
  add(): void {
    this.#count++
  }
  result(): Value {
    return int(this.#count)
  }
}

function simple(create: (collation: Collation | undefined) => Accumulator): CompileAccumulator {
  return (operand, scope, name) => {
    if (Array.isArray(operand) && operand.length !== 1) {
      throw new DatabaseError(40237, `The ${name} accumulator is a unary operator`)
    }
    const { collation } = scope.env
    return { evaluate: compile(Array.isArray(operand) ? operand[0]! : operand, scope), create: () => create(collation) }
  }
}

const count: CompileAccumulator = (operand) => {
  if (!isDoc(operand) || operand.size > 0) {
    throw new DatabaseError(2, '$count takes no arguments, i.e. $count:{}')
  }
  return { evaluate: () => null, create: () => new Count() }
}

export const SIMPLE: Readonly<Record<string, CompileAccumulator>> = {
  $sum: simple(() => new Sum()),
  $avg: simple(() => new Average()),
  $min: simple((collation) => new Extreme(-1, collation)),
  $max: simple((collation) => new Extreme(1, collation)),
  $first: simple(() => new First()),
  $last: simple(() => new Last()),
  $push: simple(() => new Push()),
  $addToSet: simple((collation) => new AddToSet(collation)),
  $mergeObjects: simple(() => new MergeObjects()),
  $stdDevPop: simple(() => new Spread(false)),
  $stdDevSamp: simple(() => new Spread(true)),
  $count: count,
}
