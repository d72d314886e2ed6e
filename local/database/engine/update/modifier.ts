import type { Value } from '../../bson/value.ts'
import type { QueryEnv } from '../env.ts'
import type { Draft } from './draft.ts'

/** Applies one modifier at one concrete path of a document. */
export type ApplyModifier = (draft: Draft, path: readonly string[]) => void

export interface ModifierContext {
  readonly env: QueryEnv
}

/** Checks a modifier's operand and compiles it; `path` is as written. */
export type CompileModifier = (operand: Value, path: string, context: ModifierContext) => ApplyModifier
