import { COMPARISON } from './comparison.ts'
import { CONTROL } from './control.ts'
import type { CompileOperator } from './scope.ts'

/** Every expression operator by name. */
export const OPERATORS: ReadonlyMap<string, CompileOperator> = new Map(
  [COMPARISON, CONTROL].flatMap((family) => Object.entries(family)),
)
