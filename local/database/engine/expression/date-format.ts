import { FarDate, type Timestamp } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { dayOfWeek, dayOfYear, isoDayOfWeek, isoWeek, week } from './calendar.ts'
import { findZone, localDate, localToUtc, UTC, utcFromFields, type Zone } from './timezone.ts'

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const pad = (value: number, width: number): string => String(value).padStart(width, '0')

export function offsetText(offset: number, colon: boolean): string {
  const minutes = Math.abs(Math.trunc(offset / 60_000))
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${colon ? ':' : ''}${pad(minutes % 60, 2)}`
}

function year(value: number): string {
  if (value < 0 || value > 9999) {
    throw new DatabaseError(
      18537,
      `Could not convert date to string: date component was outside the supported range of 0-9999: ${value}`,
    )
  }
  return pad(value, 4)
}

const SPECIFIERS: Readonly<Record<string, (local: Date, offset: number) => string>> = {
  b: (local) => MONTHS[local.getUTCMonth()]!.slice(0, 3),
  B: (local) => MONTHS[local.getUTCMonth()]!,
  d: (local) => pad(local.getUTCDate(), 2),
  G: (local) => year(isoWeek(local).year),
  H: (local) => pad(local.getUTCHours(), 2),
  j: (local) => pad(dayOfYear(local), 3),
  L: (local) => pad(local.getUTCMilliseconds(), 3),
  m: (local) => pad(local.getUTCMonth() + 1, 2),
  M: (local) => pad(local.getUTCMinutes(), 2),
  S: (local) => pad(local.getUTCSeconds(), 2),
  u: (local) => String(isoDayOfWeek(local)),
  U: (local) => pad(week(local), 2),
  V: (local) => pad(isoWeek(local).week, 2),
  w: (local) => String(dayOfWeek(local)),
  Y: (local) => year(local.getUTCFullYear()),
  z: (_local, offset) => offsetText(offset, false),
  Z: (_local, offset) => String(Math.trunc(offset / 60_000)),
  '%': () => '%',
}

const PARSE_ONLY = 'bBdGHjLmMSuVYzZ%'

/** Refuses a format with an unknown specifier. */
export function checkFormat(format: string, purpose: 'print' | 'parse'): void {
  for (let index = 0; index < format.length; index++) {
    if (format[index] !== '%') continue
    index++
    const specifier = format[index]
    if (specifier === undefined) throw new DatabaseError(18535, "Unmatched '%' at end of format string")
    const known = purpose === 'print' ? SPECIFIERS[specifier] !== undefined : PARSE_ONLY.includes(specifier)
    if (!known) throw new DatabaseError(18536, `Invalid format character '%${specifier}' in format string`)
  }
}

/** `$dateToString`. The default format ends in `Z` only for UTC. */
export function formatDate(date: Date, format: string | undefined, zone: Zone): string {
  if (date instanceof FarDate)
    throw new DatabaseError(
      18537,
      'Could not convert date to string: date component was outside the supported range of 0-9999',
    )
  const pattern = format ?? (zone.isUtc ? '%Y-%m-%dT%H:%M:%S.%LZ' : '%Y-%m-%dT%H:%M:%S.%L')
  const local = localDate(date.getTime(), zone)
  const offset = local.getTime() - date.getTime()
  return pattern.replace(/%(.)/gs, (_text, specifier: string) => SPECIFIERS[specifier]!(local, offset))
}

/** A date as `$toString` writes it. */
export function printDate(date: Date): string {
  return formatDate(date, undefined, UTC)
}

/** How MongoDB turns a timestamp into a string: `Feb 29 23:59:59:16`, its second in UTC and its counter. */
export function printTimestamp({ t, i }: Timestamp): string {
  const date = new Date(t * 1000)
  return `${formatDate(date, '%b', UTC)} ${String(date.getUTCDate()).padStart(2)} ${formatDate(date, '%H:%M:%S', UTC)}:${i}`
}

function refused(text: string, reason: string): DatabaseError {
  return new DatabaseError(241, `Error parsing date string '${text}'; ${reason}`)
}

interface DateFields {
  year?: number
  month?: number
  day?: number
  hour?: number
  minute?: number
  second?: number
  millisecond?: number
  isoYear?: number
  isoWeek?: number
  isoDay?: number
  dayOfYear?: number
  offset?: number
  zone?: Zone
}

const monthOf = (name: string): number =>
  MONTHS.findIndex((month) => month.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase()) + 1

function resolve(text: string, fields: DateFields, zone: Zone | undefined): Date {
  const { hour = 0, minute = 0, second = 0, millisecond = 0 } = fields
  let local: number
  if (fields.isoYear !== undefined) {
    local =
      isoToLocal(fields.isoYear, fields.isoWeek ?? 1, fields.isoDay ?? 1) +
      ((hour * 60 + minute) * 60 + second) * 1000 +
      millisecond
  } else {
    if (fields.year === undefined)
      throw refused(text, `an incomplete date/time string has been found, with elements missing: "${text}"`)
    const month = fields.dayOfYear === undefined ? (fields.month ?? 1) : 1
    const day = fields.dayOfYear ?? fields.day ?? 1
    if (month < 1 || month > 12 || day < 1 || day > 366 || hour > 24 || minute > 59 || second > 60) {
      throw refused(text, 'an out-of-range date/time string has been found')
    }
    local = utcFromFields(fields.year, month, day, hour, minute, second, millisecond)
    const check = new Date(utcFromFields(fields.year, month, day))
    if (fields.dayOfYear === undefined && check.getUTCMonth() + 1 !== month)
      throw refused(text, `0: The parsed date was invalid ''`)
  }
  if (fields.offset !== undefined || fields.zone !== undefined) {
    if (zone !== undefined && !zone.isUtc) {
      throw new DatabaseError(
        241,
        `you cannot pass in a date/time string with ${fields.offset === undefined ? 'time zone information' : 'GMT offset'} ('${text}') together with a timezone argument`,
      )
    }
    return new Date(fields.offset === undefined ? localToUtc(local, fields.zone!) : local - fields.offset)
  }
  return new Date(localToUtc(local, zone ?? UTC))
}

/** Local milliseconds of an ISO year, week and day (1 = Monday). */
export function isoToLocal(isoYear: number, isoWeekNumber: number, day: number): number {
  const january4 = new Date(utcFromFields(isoYear, 1, 4))
  const monday = january4.getTime() - (isoDayOfWeek(january4) - 1) * 86_400_000
  return monday + ((isoWeekNumber - 1) * 7 + day - 1) * 86_400_000
}

function parseOffset(text: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text)
  if (!match) return 0
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000
}

const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?`
const ZONE = String.raw`\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?|[A-Z][A-Za-z_]+\/[A-Za-z_/]+|EST|EDT|CST|CDT|MST|MDT|PST|PDT)?`
const FREE_FORMS: readonly { readonly form: RegExp; readonly order: readonly ('year' | 'month' | 'day' | 'name')[] }[] =
  [
    {
      form: new RegExp(String.raw`^([+-]?\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:(?:[Tt]|\s+)${TIME})?${ZONE}$`),
      order: ['year', 'month', 'day'],
    },
    {
      form: new RegExp(String.raw`^(\d{4})\/(\d{1,2})\/(\d{1,2})(?:(?:[Tt]|\s+)${TIME})?${ZONE}$`),
      order: ['year', 'month', 'day'],
    },
    {
      form: new RegExp(String.raw`^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:(?:[Tt]|\s+)${TIME})?${ZONE}$`),
      order: ['month', 'day', 'year'],
    },
    {
      form: new RegExp(String.raw`^(\d{1,2})[.-](\d{1,2})[.-](\d{4})(?:(?:[Tt]|\s+)${TIME})?${ZONE}$`),
      order: ['day', 'month', 'year'],
    },
    {
      form: new RegExp(
        String.raw`^(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+${TIME})?${ZONE}$`,
      ),
      order: ['name', 'day', 'year'],
    },
    {
      form: new RegExp(
        String.raw`^(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+([A-Za-z]{3,9})\.?,?[\s-]+(\d{4})(?:,?\s+${TIME})?${ZONE}$`,
      ),
      order: ['day', 'name', 'year'],
    },
    {
      form: new RegExp(String.raw`^(\d{4})(\d{2})(\d{2})(?:[Tt](\d{2}):?(\d{2}):?(\d{2})?(?:[.,](\d{1,9}))?)?${ZONE}$`),
      order: ['year', 'month', 'day'],
    },
  ]

const milliseconds = (digits: string): number => Math.trunc(Number(`0.${digits}`) * 1000 + 1e-6)

function parseFree(text: string): DateFields {
  for (const { form, order } of FREE_FORMS) {
    const match = form.exec(text.trim())
    if (!match) continue
    const fields: DateFields = {}
    order.forEach((part, index) => {
      const piece = match[index + 1]
      if (piece === undefined) return
      if (part === 'name') {
        const month = monthOf(piece)
        if (month === 0) throw refused(text, `0: The timezone could not be found in the database '${piece[0]}'`)
        fields.month = month
      } else fields[part] = Number(piece)
    })
    const [hour, minute, second, fraction, zone] = match.slice(4)
    if (hour !== undefined) fields.hour = Number(hour)
    if (minute !== undefined) fields.minute = Number(minute)
    if (second !== undefined) fields.second = Number(second)
    if (fraction !== undefined) fields.millisecond = milliseconds(fraction)
    if (zone !== undefined) applyZone(fields, zone)
    return fields
  }
  if (text.trim() === '') throw refused(text, "0: Empty string ''")
  const first = /[A-Za-z]/.exec(text)
  throw first
    ? refused(text, `${first.index}: The timezone could not be found in the database '${first[0]}'`)
    : refused(text, `an incomplete date/time string has been found, with elements missing: "${text}"`)
}

const US_ZONES: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
}

function applyZone(fields: DateFields, zone: string): void {
  if (zone === 'Z' || zone === 'UTC' || zone === 'GMT') fields.offset = 0
  else if (/^[+-]/.test(zone)) fields.offset = parseOffset(zone)
  else if (US_ZONES[zone] !== undefined) fields.offset = US_ZONES[zone] * 3_600_000
  else fields.zone = findZone(zone)
}

interface FieldParser {
  readonly form: string
  readonly store: (fields: DateFields, text: string) => void
}

const number =
  (field: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'isoYear' | 'isoWeek' | 'isoDay' | 'dayOfYear') =>
  (fields: DateFields, text: string): void => {
    fields[field] = Number(text)
  }

const PARSERS: Readonly<Record<string, FieldParser>> = {
  Y: { form: '(\\d{4})', store: number('year') },
  m: { form: '(\\d{1,2})', store: number('month') },
  d: { form: '(\\d{1,2})', store: number('day') },
  H: { form: '(\\d{1,2})', store: number('hour') },
  M: { form: '(\\d{1,2})', store: number('minute') },
  S: { form: '(\\d{1,2})', store: number('second') },
  L: {
    form: '(\\d{1,3})',
    store: (fields, text) => {
      fields.millisecond = milliseconds(text)
    },
  },
  j: { form: '(\\d{1,3})', store: number('dayOfYear') },
  G: { form: '(\\d{4})', store: number('isoYear') },
  V: { form: '(\\d{1,2})', store: number('isoWeek') },
  u: { form: '(\\d)', store: number('isoDay') },
  b: {
    form: '([A-Za-z]{3})',
    store: (fields, text) => {
      fields.month = monthOf(text)
    },
  },
  B: {
    form: '([A-Za-z]{3,9})',
    store: (fields, text) => {
      fields.month = monthOf(text)
    },
  },
  z: { form: '(Z|[+-]\\d{2}:?\\d{2}|[A-Za-z_/]+)', store: applyZone },
  Z: {
    form: '([+-]?\\d{1,4})',
    store: (fields, text) => {
      fields.offset = Number(text) * 60_000
    },
  },
}

function parseWithFormat(text: string, format: string): DateFields {
  const stores: ((fields: DateFields, text: string) => void)[] = []
  const source = format.replace(
    /%(.)|([\s\S])/g,
    (_whole, specifier: string | undefined, literal: string | undefined) => {
      if (specifier === undefined) return literal!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
      if (specifier === '%') return '%'
      const parser = PARSERS[specifier]!
      stores.push(parser.store)
      return parser.form
    },
  )
  const match = new RegExp(`^${source}$`).exec(text)
  if (!match) throw refused(text, `0: Format literal not found '${text[0] ?? ''}'`)
  const fields: DateFields = {}
  stores.forEach((store, index) => {
    store(fields, match[index + 1]!)
  })
  if (fields.isoYear === undefined && (fields.isoWeek !== undefined || fields.isoDay !== undefined)) {
    throw refused(text, "A 'day of year' or ISO week can only come after a year has been found")
  }
  return fields
}

/**
 * `$dateFromString`.
 *
 * @throws {DatabaseError} 241 ConversionFailure for a text that is not a date
 */
export function parseDate(text: string, format: string | undefined, zone: Zone | undefined): Date {
  const fields = format === undefined ? parseFree(text) : parseWithFormat(text, format)
  const date = resolve(text, fields, zone)
  if (Number.isNaN(date.getTime())) throw refused(text, 'an out-of-range date/time string has been found')
  return date
}
