import type { Doc, Value } from '../../bson/value.ts'
import type { Scope } from '../expression/scope.ts'

/** Gathers values of one group or window. */
export interface Accumulator {
  add(value: Value | undefined): void
  result(): Value | undefined
}

/** A compiled accumulator of `$group` or `$setWindowFields`. */
export interface AccumulatorPlan {
  /** What each document contributes. */
  readonly evaluate: (doc: Doc) => Value | undefined
  /** A fresh state; `group` is the group's `_id` as a document, for an `n` that depends on it. */
  create(group: Doc): Accumulator
}

export type CompileAccumulator = (operand: Value, scope: Scope, name: string) => AccumulatorPlan
