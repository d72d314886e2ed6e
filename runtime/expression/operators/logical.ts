import type { Evaluation } from '../evaluation.ts'

/** Combines expressions; `evaluate` runs one of them. */
export type Logical = (
  children: readonly unknown[],
  evaluate: (child: unknown) => Evaluation<boolean>,
) => Evaluation<boolean>
