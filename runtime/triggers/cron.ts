/** One of the five fields: its range, its names and whether a step tests the value itself. */
interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
  readonly stepsByModulo: boolean
}

/**
 * Steps are a test on the value for minutes and hours, as the documentation of App Services words it (`10-40/15` is 15
 * and 30); the other fields step from the start of the range, as every other cron does (spec: triggers 3).
 */
const fields: readonly [Field, Field, Field, Field, Field] = [
  { name: 'minute', min: 0, max: 59, stepsByModulo: true },
  { name: 'hour', min: 0, max: 23, stepsByModulo: true },
  { name: 'day of month', min: 1, max: 31, stepsByModulo: false },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
    stepsByModulo: false,
  },
  {
    name: 'weekday',
    min: 0,
    max: 6,
    names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
    stepsByModulo: false,
  },
]

/** A parsed schedule: the values each field admits. */
export interface Schedule {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
}

function parseValue(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1
  const value = named >= 0 ? named + field.min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= field.min && value <= field.max))
    throw new RangeError(`"${text}" is no ${field.name}: use ${field.min} to ${field.max}`)
  return value
}

function parsePart(part: string, field: Field): number[] {
  const [range = '', stepText, ...rest] = part.split('/')
  const step = stepText === undefined ? 1 : Number(stepText)
  if (rest.length > 0 || !(Number.isInteger(step) && step > 0) || (stepText !== undefined && !/^\d+$/.test(stepText)))
    throw new RangeError(`"${part}" is no ${field.name}: a step is a whole number above 0`)
  let first = field.min
  let last = field.max
  if (range !== '*') {
    const [start = '', end, ...more] = range.split('-')
    if (more.length > 0) throw new RangeError(`"${part}" is no ${field.name}`)
    first = parseValue(start, field)
    // A step after a single value opens the range, as in other cron dialects.
    last = end !== undefined ? parseValue(end, field) : stepText !== undefined ? field.max : first
    if (last < first) throw new RangeError(`"${part}" is no ${field.name}: the range is empty`)
  }
  const values: number[] = []
  for (let value = first; value <= last; value++)
    if ((field.stepsByModulo ? value : value - first) % step === 0) values.push(value)
  return values
}

function parseField(text: string, field: Field): ReadonlySet<number> {
  return new Set(text.split(',').flatMap((part) => parsePart(part, field)))
}

/**
 * Parses a schedule of App Services: `minute hour dayOfMonth month weekday`, UTC, Sunday is 0.
 *
 * @throws {RangeError} naming the field that is wrong
 */
export function parseSchedule(text: string): Schedule {
  const parts = text.trim().split(/ +/)
  const [minute, hour, dayOfMonth, month, weekday] = parts
  if (parts.length !== 5 || !minute || !hour || !dayOfMonth || !month || !weekday)
    throw new RangeError(`a schedule has five fields: minute hour dayOfMonth month weekday; got "${text}"`)
  return {
    minutes: parseField(minute, fields[0]),
    hours: parseField(hour, fields[1]),
    daysOfMonth: parseField(dayOfMonth, fields[2]),
    months: parseField(month, fields[3]),
    weekdays: parseField(weekday, fields[4]),
  }
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** The start of the minute that `instant` lies in. */
export function startOfMinute(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / minuteMs) * minuteMs)
}

/** Day of month and weekday must both match: the documented rule, where other crons take either. */
function matchesDay(schedule: Schedule, day: Date): boolean {
  return (
    schedule.daysOfMonth.has(day.getUTCDate()) &&
    schedule.months.has(day.getUTCMonth() + 1) &&
    schedule.weekdays.has(day.getUTCDay())
  )
}

/** True when the schedule fires in the minute that `instant` lies in. */
export function matchesSchedule(schedule: Schedule, instant: Date): boolean {
  return (
    schedule.minutes.has(instant.getUTCMinutes()) &&
    schedule.hours.has(instant.getUTCHours()) &&
    matchesDay(schedule, instant)
  )
}

/** The last minute after `after` and before `before` in which the schedule fires. */
export function lastMatchBetween(schedule: Schedule, after: Date, before: Date): Date | undefined {
  const last = startOfMinute(new Date(before.getTime() - 1))
  for (let day = Math.floor(last.getTime() / dayMs) * dayMs; day + dayMs > after.getTime(); day -= dayMs) {
    if (!matchesDay(schedule, new Date(day))) continue
    const start = Math.min(last.getTime(), day + dayMs - minuteMs)
    for (let minute = start; minute >= day && minute > after.getTime(); minute -= minuteMs)
      if (matchesSchedule(schedule, new Date(minute))) return new Date(minute)
  }
  return undefined
}
