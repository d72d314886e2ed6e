import { dayMs, type Instant, isMidnight, parseInstant } from '../domain/instant.ts'
import { type CommandContext, optionalOption, requiredOption, UsageError } from './command.ts'

/** The instant of a date option. @throws {UsageError} when it is missing or no date */
export function instantOption(context: CommandContext, name: string): Instant {
  const text = requiredOption(context, name)
  const instant = parseInstant(text)
  if (instant === null) throw new UsageError(`--${name} ${text} is no date: write YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ`)
  return instant
}

/** The instant of a date option, or undefined. @throws {UsageError} when it is no date */
export function optionalInstantOption(context: CommandContext, name: string): Instant | undefined {
  return optionalOption(context, name) === undefined ? undefined : instantOption(context, name)
}

/** @throws {UsageError} when the command line has words that no option takes */
export function refuseArguments(context: CommandContext): void {
  const [first] = context.positionals
  if (first !== undefined)
    throw new UsageError(`unexpected argument "${first}"; days are given with options, see --help`)
}

/** `--from` and `--to`, days, both included. @throws {UsageError} when one is no day or they are out of order */
export function dayRangeOptions(context: CommandContext): { from: Instant; to: Instant; days: number } {
  const [from, to] = [instantOption(context, 'from'), instantOption(context, 'to')]
  for (const [name, instant] of [
    ['from', from],
    ['to', to],
  ] as const)
    if (!isMidnight(instant)) throw new UsageError(`--${name} must be a day: YYYY-MM-DD`)
  if (to < from) throw new UsageError('--to is before --from')
  return { from, to, days: (to - from) / dayMs + 1 }
}
