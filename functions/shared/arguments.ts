import { type Instant, parseInstant } from '../../domain/instant.ts'
import { toInstant } from './values.ts'

/** Wrong arguments. The text is shown to the caller, so it names the argument and what it must be. */
export class InvalidArgument extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InvalidArgument'
  }
}

/** The instant of a date argument; undefined when it is absent. @throws {InvalidArgument} when it is no date */
export function optionalInstant(value: unknown, name: string): Instant | undefined {
  if (value === undefined || value === null) return undefined
  const instant = typeof value === 'string' ? parseInstant(value) : toInstant(value)
  if (instant === null) throw new InvalidArgument(`${name} must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ`)
  return instant
}

/** @throws {InvalidArgument} when it is absent or no date */
export function requireInstant(value: unknown, name: string): Instant {
  const instant = optionalInstant(value, name)
  if (instant === undefined) throw new InvalidArgument(`${name} is required: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ`)
  return instant
}

/** An options argument as a record; absent: `{}`. @throws {InvalidArgument} when it is something else */
export function optionsRecord(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Date)
    throw new InvalidArgument('options must be an object')
  return value as Record<string, unknown>
}

/** @throws {InvalidArgument} when it is neither absent nor a boolean */
export function optionalBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback
  if (typeof value !== 'boolean') throw new InvalidArgument(`${name} must be true or false`)
  return value
}
