/** A `%function` that an evaluation waits for. */
export interface FunctionCall {
  readonly name: string
  readonly args: readonly unknown[]
}

/** An evaluation that pauses at each `%function`, so that expressions without one run without a promise. */
export type Evaluation<T> = Generator<FunctionCall, T, unknown>
