import type { Doc } from './generate/value.ts'

/** One command, on the collection of the scenario. */
export interface GeneratedCommand {
  readonly command: Doc
  /** The documents it answers come in a defined order. */
  readonly ordered: boolean
}

/** What both servers are put through: a collection in a state, then commands. */
export interface Scenario {
  /** Options of `create`, such as a validator; empty: the collection makes itself. */
  readonly options: Doc
  /** Index specifications of `createIndexes`. */
  readonly indexes: readonly Doc[]
  readonly documents: readonly Doc[]
  readonly commands: readonly GeneratedCommand[]
}
