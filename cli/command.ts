import type { ParseArgsConfig } from 'node:util'

export type CommandOptions = NonNullable<ParseArgsConfig['options']>

/** What a command gets: its own options, parsed; the shared ones resolved. */
export interface CommandContext {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
  readonly json: boolean
  /** The server: `--uri`, else `MONGODB_URI`, else the development database. */
  readonly uri: string
  /** The app folder: `--app`, else this repository. Absolute. */
  readonly appDir: string
  /** `--secrets FILE`, read and checked; `{}` without one. */
  readonly secrets: Readonly<Record<string, string>>
  /** Prints the one result: JSON under `--json`, else `text`. */
  output(value: unknown, text?: string): void
  /** Prints to stderr. */
  progress(text: string): void
}

/** One `atlas-edge` command, or one sub-command (`keys create`). One file each under `commands/`. */
export interface Command {
  /** The words that select it, such as `keys create`. */
  readonly name: string
  /** One line for `--help`. */
  readonly summary: string
  /** Arguments and options, as in `--as-of DAY [--dry-run]`. */
  readonly usage: string
  /** Beyond the shared ones: `--uri --app --secrets --json --help`. */
  readonly options?: CommandOptions
  /** Resolves to an exit code; nothing means 0. */
  run(context: CommandContext): Promise<number | undefined>
}

/** Wrong arguments: exit 2. The message is one line that says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A failure the user can act on: exit 1, one line, no stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** The production guard said no: exit 3. */
export class GuardError extends Error {
  override readonly name = 'GuardError'
}

/** The value of a string option. @throws {UsageError} when it is missing or empty. */
export function requiredOption(context: CommandContext, name: string): string {
  const value = context.values[name]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is required`)
  return value
}

/** The value of a string option, or undefined. */
export function optionalOption(context: CommandContext, name: string): string | undefined {
  const value = context.values[name]
  return typeof value === 'string' ? value : undefined
}
