import { isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'

/** A time zone: how far its clocks are ahead of UTC, in milliseconds. */
export interface Zone {
  readonly isUtc: boolean
  offsetAt(utcMillis: number): number
}

export const UTC: Zone = { isUtc: true, offsetAt: () => 0 }

const MINUTE = 60_000
const QUARTER_HOUR = 15 * MINUTE
const zones = new Map<string, Zone>()

function fixedZone(text: string): Zone | undefined {
  const match = /^([+-])(\d{2})(?::?(\d{2}))?$/.exec(text)
  if (!match) return undefined
  const [, sign, hours, minutes = '00'] = match
  const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE * (sign === '-' ? -1 : 1)
  return { isUtc: offset === 0, offsetAt: () => offset }
}

function olsonZone(name: string): Zone | undefined {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
  // Zones change their offset at multiples of a quarter of an hour, so one answer serves each quarter.
  const known = new Map<number, number>()
  const measure = (utcMillis: number): number => {
    const parts: Record<string, string> = {}
    for (const { type, value } of format.formatToParts(utcMillis)) parts[type] = value
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
    const local = utcFromFields(
      year,
      Number(parts.month),
      Number(parts.day),
      Number(parts.hour),
      Number(parts.minute),
      Number(parts.second),
      0,
    )
    return local - Math.floor(utcMillis / 1000) * 1000
  }
  return {
    isUtc: false,
    offsetAt: (utcMillis) => {
      const quarter = Math.floor(utcMillis / QUARTER_HOUR)
      let offset = known.get(quarter)
      if (offset === undefined) {
        offset = measure(quarter * QUARTER_HOUR)
        if (known.size > 50_000) known.clear()
        known.set(quarter, offset)
      }
      return offset
    },
  }
}

/**
 * The zone of an Olson name or an offset (`+02:00`, `+0200`, `+02`).
 *
 * @throws {DatabaseError} 40485 for an unknown one
 */
export function findZone(name: string): Zone {
  if (name === 'UTC' || name === 'GMT' || name === 'Z') return UTC
  const known = zones.get(name)
  if (known !== undefined) return known
  const zone = fixedZone(name) ?? (/^[A-Za-z]/.test(name) ? olsonZone(name) : undefined)
  if (zone === undefined) throw new DatabaseError(40485, `unrecognized time zone identifier: "${name}"`)
  zones.set(name, zone)
  return zone
}

/** The zone of an evaluated `timezone` argument; `undefined` when it is nullish. */
export function zoneOf(value: Value | undefined): Zone | undefined {
  if (isNullish(value)) return undefined
  if (typeof value !== 'string') {
    throw new DatabaseError(40517, `timezone must evaluate to a string, found ${typeName(value)}`)
  }
  return findZone(value)
}

/** Milliseconds of a UTC date and time; `month` counts from 1, and any field may run over. */
export function utcFromFields(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  millisecond = 0,
): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, millisecond)
  return date.getTime()
}

/** The instant at which the zone's clocks show `localMillis` (as if it were UTC). */
export function localToUtc(localMillis: number, zone: Zone): number {
  const first = localMillis - zone.offsetAt(localMillis)
  const offset = zone.offsetAt(first)
  const second = localMillis - offset
  return zone.offsetAt(second) === offset ? second : first
}

/** The zone's clock as a `Date` whose UTC fields are the local ones. */
export function localDate(utcMillis: number, zone: Zone): Date {
  return new Date(utcMillis + zone.offsetAt(utcMillis))
}
