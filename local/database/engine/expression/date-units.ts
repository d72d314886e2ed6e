import { typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { isoDayOfWeek } from './calendar.ts'
import { localToUtc, utcFromFields, type Zone } from './timezone.ts'

const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'] as const
export type DateUnit = (typeof UNITS)[number]

const DAY = 86_400_000
const FIXED: Readonly<Partial<Record<DateUnit, number>>> = {
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
}
const WEEK_DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

export function isDateUnit(text: string): text is DateUnit {
  return (UNITS as readonly string[]).includes(text)
}

export function parseUnit(value: Value, name: string, code: number): DateUnit {
  if (typeof value !== 'string') {
    throw new DatabaseError(code, `${name} requires 'unit' to be a string, but got ${typeName(value)}`)
  }
  if (!isDateUnit(value))
    throw new DatabaseError(9, `${name} parameter 'unit' value cannot be recognized as a time unit: ${value}`)
  return value
}

/** 1 (Monday) to 7. */
export function parseWeekDay(value: Value | undefined, name: string): number {
  if (typeof value !== 'string') {
    throw new DatabaseError(5439015, `${name} requires 'startOfWeek' to be a string, but got ${typeName(value)}`)
  }
  const index = WEEK_DAYS.findIndex(
    (day) => value.length >= 3 && (day === value.toLowerCase() || day.slice(0, 3) === value.toLowerCase()),
  )
  if (index < 0) {
    throw new DatabaseError(
      9,
      `${name} parameter 'startOfWeek' value cannot be recognized as a day of a week: ${value}`,
    )
  }
  return index + 1
}

const months = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth()
const MONTHS_PER: Readonly<Partial<Record<DateUnit, number>>> = { year: 12, quarter: 3, month: 1 }

/** Moves an instant by calendar units of the zone's clock; a day that a month lacks becomes its last. */
export function addUnits(utcMillis: number, unit: DateUnit, amount: number, zone: Zone): number {
  const fixed = FIXED[unit]
  if (fixed !== undefined) return utcMillis + amount * fixed
  const local = utcMillis + zone.offsetAt(utcMillis)
  const perUnit = MONTHS_PER[unit]
  if (perUnit === undefined) return back(local, local + amount * (unit === 'week' ? 7 : 1) * DAY, utcMillis, zone)
  const date = new Date(local)
  const total = months(date) + amount * perUnit
  const year = Math.floor(total / 12)
  const month = total - year * 12 + 1
  const lastDay = new Date(utcFromFields(year, month + 1, 0)).getUTCDate()
  const day = Math.min(date.getUTCDate(), lastDay)
  return back(local, utcFromFields(year, month, day) + (local - Math.floor(local / DAY) * DAY), utcMillis, zone)
}

function back(before: number, after: number, utcMillis: number, zone: Zone): number {
  return before === after ? utcMillis : localToUtc(after, zone)
}

/** How many boundaries of the unit lie between two instants. `firstDay`: 1 (Monday) to 7. */
export function differenceInUnits(start: number, end: number, unit: DateUnit, zone: Zone, firstDay: number): number {
  const fixed = FIXED[unit]
  if (fixed !== undefined) {
    if (unit !== 'hour') return Math.floor(end / fixed) - Math.floor(start / fixed)
    const startOffset = zone.offsetAt(start)
    const endOffset = zone.offsetAt(end)
    return (
      Math.floor((end + endOffset) / fixed) -
      Math.floor((start + startOffset) / fixed) -
      Math.round((endOffset - startOffset) / fixed)
    )
  }
  const localStart = new Date(start + zone.offsetAt(start))
  const localEnd = new Date(end + zone.offsetAt(end))
  const perUnit = MONTHS_PER[unit]
  if (perUnit !== undefined) return Math.floor(months(localEnd) / perUnit) - Math.floor(months(localStart) / perUnit)
  const days = (date: Date): number => Math.floor(date.getTime() / DAY)
  if (unit === 'day') return days(localEnd) - days(localStart)
  const weekStart = (date: Date): number => days(date) - ((isoDayOfWeek(date) - firstDay + 7) % 7)
  return (weekStart(localEnd) - weekStart(localStart)) / 7
}

/** The start of the bin of `binSize` units that holds the instant; bins count from the start of 2000. */
export function truncateToUnit(
  utcMillis: number,
  unit: DateUnit,
  binSize: number,
  zone: Zone,
  firstDay: number,
): number {
  const reference = utcFromFields(2000, 1, 1)
  const fixed = FIXED[unit]
  if (fixed !== undefined) {
    const from = localToUtc(reference, zone)
    const bin = fixed * binSize
    return from + Math.floor((utcMillis - from) / bin) * bin
  }
  const local = utcMillis + zone.offsetAt(utcMillis)
  const perUnit = MONTHS_PER[unit]
  if (perUnit !== undefined) {
    const bin = perUnit * binSize
    const from = 2000 * 12
    const total = from + Math.floor((months(new Date(local)) - from) / bin) * bin
    return localToUtc(utcFromFields(Math.floor(total / 12), (((total % 12) + 12) % 12) + 1, 1), zone)
  }
  // 1 January 2000 was a Saturday; weeks count from the first `firstDay` on or after it.
  const from = unit === 'week' ? reference + ((firstDay - 6 + 7) % 7) * DAY : reference
  const bin = (unit === 'week' ? 7 : 1) * binSize * DAY
  return localToUtc(from + Math.floor((local - from) / bin) * bin, zone)
}
