/** Milliseconds since 1970-01-01T00:00Z. */
export type Instant = number

export const dayMs = 86_400_000

/** Stands for "still so": a far date and not null, because a range over dates can be answered from an index alone. */
export const openEnd: Instant = Date.UTC(9999, 11, 31)

/** 00:00Z of the day that holds `instant`. */
export function startOfDay(instant: Instant): Instant {
  return Math.floor(instant / dayMs) * dayMs
}

export function isMidnight(instant: Instant): boolean {
  return instant % dayMs === 0
}

/** 00:00Z of the first of the month that holds `instant`. */
export function startOfMonth(instant: Instant): Instant {
  const date = new Date(instant)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

/** 00:00Z of the first of the month `months` after the one that holds `instant`. */
export function startOfMonthAfter(instant: Instant, months: number): Instant {
  const date = new Date(instant)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1)
}

/** Calendar subtraction in UTC; a day that the earlier month lacks becomes its last (29 February -> 28 February). */
export function subtractMonths(instant: Instant, months: number): Instant {
  const date = new Date(instant)
  const first = startOfMonthAfter(instant, -months)
  const lastDay = new Date(startOfMonthAfter(first, 1) - dayMs).getUTCDate()
  const day = Math.min(date.getUTCDate(), lastDay)
  return first + (day - 1) * dayMs + (instant - startOfDay(instant))
}

/** `YYYY-MM` of the month that holds `instant`. */
export function monthName(instant: Instant): string {
  return new Date(instant).toISOString().slice(0, 7)
}

/** `YYYY-MM-DD` of the day that holds `instant`. */
export function dayName(instant: Instant): string {
  return new Date(instant).toISOString().slice(0, 10)
}

const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d{2}:\d{2}))?$/

/**
 * The instant of `YYYY-MM-DD` (00:00Z) or of an ISO 8601 date-time with `Z` or an offset; null for anything else,
 * a day that does not exist (2023-02-30) included.
 */
export function parseInstant(text: string): Instant | null {
  const match = pattern.exec(text.trim())
  if (match === null) return null
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const midnight = Date.UTC(year, month - 1, day)
  const date = new Date(midnight)
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null
  if (match[4] === undefined) return midnight
  const instant = Date.parse(text.trim())
  return Number.isNaN(instant) ? null : instant
}
