import type { AppDefinition, BrokenFunction } from '../schemas/app/definition.ts'

/**
 * Under this key, what the functions of one call share holds a function that the build calls in every turn of a loop
 * without end. It throws once the run is over.
 */
export const loopTurn = Symbol.for('atlas-edge.loop-turn')

/**
 * One function file, wrapped at build time: called once per invocation with that call's globals, it returns what the
 * file assigned to `exports` (design decision 2). `module` is passed as undefined, as on App Services.
 */
export type FunctionFactory = (
  context: unknown,
  BSON: unknown,
  EJSON: unknown,
  utils: unknown,
  require: (specifier: string) => unknown,
  console: unknown,
  exports: unknown,
  module: undefined,
  /** What the functions of one call from outside share: names assigned without a declaration, extended built-ins. */
  shared?: object,
) => unknown

/** What `atlas-edge build` emits for any app folder: plain data and the wrapped functions. */
export interface BuiltApp {
  readonly definition: AppDefinition
  /** By function name. */
  readonly functions: Readonly<Record<string, FunctionFactory>>
  /** By function name; never also in `functions`. */
  readonly broken: Readonly<Record<string, BrokenFunction>>
  /** Loads a package or Node built-in that a function requires, by specifier; bundled at build time. */
  readonly packages: Readonly<Record<string, () => unknown>>
}
