import type { Collation } from '../bson/compare.ts'
import type { Doc, Timestamp, Value } from '../bson/value.ts'

/** What a query may know besides its documents. One object serves one command. */
export interface QueryEnv {
  /** `$$NOW`, the same for the whole command. */
  readonly now: Date
  readonly clusterTime?: Timestamp
  /** The command's `let` variables, evaluated. */
  readonly let?: Doc
  readonly collation?: Collation
  /** Variables of the pipelines around this one (`$lookup`'s `let`), read anew for each document. */
  readonly variables?: ReadonlyMap<string, () => Value | undefined>
  /** 0 <= value < 1. */
  random(): number
  /** Called for every document that is read: throws when the command has run for too long. Absent: no limit. */
  interrupt?(): void
}

export type OutputStage = '$out' | '$merge'

/** What a pipeline may reach besides its input. */
export interface PipelineEnv extends QueryEnv {
  readonly db: string
  /** Every document of a collection or view; empty when it does not exist. */
  collection(name: string, db?: string): Iterable<Doc>
  /** The documents whose `path` equals `value`, by an index; `undefined` when no index helps. */
  lookupIndexed?(collection: string, path: string, value: Value): Iterable<Doc> | undefined
  /** Writes the result of a pipeline that ends in `$out` or `$merge`. */
  output?(stage: OutputStage, spec: Value): (docs: Iterable<Doc>) => void
  /** Stages that read the server rather than documents (`$collStats`, `$indexStats`...); `undefined` = not one of them. */
  sourceStage?(stage: string, spec: Value): Iterable<Doc> | undefined
}
