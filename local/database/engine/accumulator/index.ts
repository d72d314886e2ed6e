import type { CompileAccumulator } from './accumulator.ts'
import { PERCENTILE } from './percentile.ts'
import { SEVERAL } from './several.ts'
import { SIMPLE } from './simple.ts'

export type { Accumulator, AccumulatorPlan } from './accumulator.ts'

/** Every accumulator by name. */
export const ACCUMULATORS: ReadonlyMap<string, CompileAccumulator> = new Map(
  [SIMPLE, SEVERAL, PERCENTILE].flatMap((family) => Object.entries(family)),
)
