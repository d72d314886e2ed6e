import { exactInteger, fitsLong } from '../../bson/number.ts'
import {
  type Doc,
  FarDate,
  int,
  isDoc,
  isNullish,
  isNumber,
  ObjectId,
  Timestamp,
  typeName,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { dayOfWeek, dayOfYear, isoDayOfWeek, isoWeek, week } from './calendar.ts'
import { compile } from './compile.ts'
import { checkFormat, formatDate, isoToLocal, parseDate } from './date-format.ts'
import { addUnits, differenceInUnits, parseUnit, parseWeekDay, truncateToUnit } from './date-units.ts'
import { type NamedErrors, namedArguments, type Operators, shown } from './define.ts'
import { type CompileOperator, constantOf, type Evaluate, type Scope } from './scope.ts'
import { localDate, localToUtc, UTC, utcFromFields, zoneOf } from './timezone.ts'

type Input = Value | undefined

/** A date where MongoDB coerces: dates, timestamps and ObjectIds. */
export function coerceToDate(value: Input): Date {
  if (value instanceof Date) {
    if (value instanceof FarDate) throw new DatabaseError(16006, 'date outside the supported range')
    return value
  }
  if (value instanceof ObjectId) return value.getTimestamp()
  if (value instanceof Timestamp) return new Date(value.t * 1000)
  throw new DatabaseError(16006, `can't convert from BSON type ${typeName(value)} to Date`)
}

/** Operators that read one field of a date: `$year: <date>` or `$year: { date, timezone }`. */
function part(read: (local: Date) => number, long = false): CompileOperator {
  return (operand, scope, name) => {
    let dateSpec: Value = operand
    let zoneSpec: Value | undefined
    if (isDoc(operand) && !operand.keys().next().value?.startsWith('$')) {
      const spec = namedArguments(operand, name, ['date'], ['timezone'], {
        notObject: [40535, ''],
        unknown: [40535, `unrecognized option to ${name}: "`],
        missing: [40539, `missing 'date' argument to ${name}, provided: ${name}: ${shown(operand)}`],
      })
      dateSpec = spec.get('date')!
      zoneSpec = spec.get('timezone')
    } else if (Array.isArray(operand)) {
      if (operand.length !== 1) {
        throw new DatabaseError(
          40536,
          `${name} accepts exactly one argument if given an array, but was given ${operand.length}`,
        )
      }
      dateSpec = operand[0]!
    }
    const date = compile(dateSpec, scope)
    const timezone = zoneSpec === undefined ? undefined : compile(zoneSpec, scope)
    return (doc) => {
      const value = date(doc)
      if (isNullish(value)) return null
      const zone = timezone === undefined ? UTC : zoneOf(timezone(doc))
      if (zone === undefined) return null
      const result = read(localDate(coerceToDate(value).getTime(), zone))
      return long ? BigInt(result) : int(result)
    }
  }
}

/** The compiled named arguments of a date operator. */
function compileNamed(
  operand: Value,
  name: string,
  scope: Scope,
  required: readonly string[],
  optional: readonly string[],
  errors: NamedErrors,
): Readonly<Record<string, Evaluate | undefined>> {
  const spec = namedArguments(operand, name, required, optional, errors)
  return Object.fromEntries(
    [...required, ...optional].map((field) => {
      const value = spec.get(field)
      return [field, value === undefined ? undefined : compile(value, scope)]
    }),
  )
}

const dateToString: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, ['date'], ['format', 'timezone', 'onNull'], {
    notObject: [18629, '$dateToString only supports an object as its argument'],
    unknown: [18534, 'Unrecognized parameter to $dateToString: '],
    missing: [18628, "Missing 'date' parameter to $dateToString"],
  })
  const date = given.date!
  const fixed = given.format && constantOf(given.format)
  if (fixed !== undefined && typeof fixed.value === 'string') checkFormat(fixed.value, 'print')
  return (doc) => {
    const format = given.format?.(doc)
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    const value = date(doc)
    if (isNullish(value)) return given.onNull === undefined ? null : given.onNull(doc)
    if (zone === undefined || (given.format !== undefined && isNullish(format))) return null
    if (given.format !== undefined) {
      if (typeof format !== 'string') {
        throw new DatabaseError(
          18533,
          `$dateToString requires that 'format' be a string, found: ${typeName(format)} with value ${shown(format)}`,
        )
      }
      checkFormat(format, 'print')
    }
    return formatDate(coerceToDate(value), typeof format === 'string' ? format : undefined, zone)
  }
}

const dateFromString: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, ['dateString'], ['format', 'timezone', 'onNull', 'onError'], {
    notObject: [40540, `$dateFromString only supports an object as an argument, found: ${typeName(operand)}`],
    unknown: [40541, 'Unrecognized argument to $dateFromString: '],
    missing: [40542, "Missing 'dateString' parameter to $dateFromString"],
  })
  return (doc) => {
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    const format = given.format?.(doc)
    if (given.format !== undefined && !isNullish(format)) {
      if (typeof format !== 'string') {
        throw new DatabaseError(
          40684,
          `$dateFromString requires that 'format' be a string, found: ${typeName(format)} with value ${shown(format)}`,
        )
      }
      checkFormat(format, 'parse')
    }
    const text = given.dateString!(doc)
    if (isNullish(text)) return given.onNull === undefined ? null : given.onNull(doc)
    if (zone === undefined || (given.format !== undefined && isNullish(format))) return null
    try {
      if (typeof text !== 'string') {
        throw new DatabaseError(
          241,
          `$dateFromString requires that 'dateString' be a string, found: ${typeName(text)} with value ${shown(text)}`,
        )
      }
      return parseDate(
        text,
        typeof format === 'string' ? format : undefined,
        given.timezone === undefined ? undefined : zone,
      )
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 241 && given.onError !== undefined) return given.onError(doc)
      throw error
    }
  }
}

const CALENDAR_PARTS = ['year', 'month', 'day'] as const
const ISO_PARTS = ['isoWeekYear', 'isoWeek', 'isoDayOfWeek'] as const
const TIME_PARTS = ['hour', 'minute', 'second', 'millisecond'] as const

function datePart(evaluate: Evaluate | undefined, doc: Doc, field: string, fallback: number): number | null {
  if (evaluate === undefined) return fallback
  const value = evaluate(doc)
  if (isNullish(value)) return null
  const integer = isNumber(value) ? exactInteger(value) : undefined
  if (integer === undefined) {
    throw new DatabaseError(
      40515,
      `'${field}' must evaluate to an integer, found ${typeName(value)} with value ${shown(value)}`,
    )
  }
  const number = Number(integer)
  if (field === 'year' || field === 'isoWeekYear') {
    if (number < 1 || number > 9999) {
      throw new DatabaseError(40523, `'${field}' must evaluate to an integer in the range 1 to 9999, found ${number}`)
    }
  } else if (field !== 'millisecond' && field !== 'second' && (number < -32768 || number > 32767)) {
    throw new DatabaseError(
      31034,
      `'${field}' must evaluate to a value in the range [-32768, 32767]; value ${number} is not in range`,
    )
  }
  return number
}

const dateFromParts: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, [], [...CALENDAR_PARTS, ...ISO_PARTS, ...TIME_PARTS, 'timezone'], {
    notObject: [40519, '$dateFromParts only supports an object as its argument'],
    unknown: [40518, 'Unrecognized argument to $dateFromParts: '],
  })
  const iso = given.isoWeekYear !== undefined
  if (!iso && given.year === undefined) {
    throw new DatabaseError(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present")
  }
  if (iso && CALENDAR_PARTS.some((field) => given[field] !== undefined)) {
    throw new DatabaseError(40489, '$dateFromParts does not allow mixing natural dates with ISO dates')
  }
  if (!iso && ISO_PARTS.some((field) => given[field] !== undefined)) {
    throw new DatabaseError(40525, '$dateFromParts does not allow mixing natural dates with ISO dates')
  }
  return (doc) => {
    const days = (iso ? ISO_PARTS : CALENDAR_PARTS).map((field) => datePart(given[field], doc, field, 1))
    const times = TIME_PARTS.map((field) => datePart(given[field], doc, field, 0))
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    if (zone === undefined || days.includes(null) || times.includes(null)) return null
    const [first, second, third] = days as [number, number, number]
    const [hour, minute, seconds, millisecond] = times as [number, number, number, number]
    const day = iso ? isoToLocal(first, second, third) : utcFromFields(first, second, third)
    const local = day + ((hour * 60 + minute) * 60 + seconds) * 1000 + millisecond
    return new Date(localToUtc(local, zone))
  }
}

const dateToParts: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, ['date'], ['timezone', 'iso8601'], {
    notObject: [40524, '$dateToParts only supports an object as its argument'],
    unknown: [40520, 'Unrecognized argument to $dateToParts: '],
    missing: [40522, "Missing 'date' parameter to $dateToParts"],
  })
  return (doc) => {
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    const iso = given.iso8601?.(doc)
    if (given.iso8601 !== undefined && isNullish(iso)) return null
    if (iso !== undefined && typeof iso !== 'boolean') {
      throw new DatabaseError(40521, `iso8601 must evaluate to a bool, found ${typeName(iso)}`)
    }
    const value = given.date!(doc)
    if (zone === undefined || isNullish(value)) return null
    const local = localDate(coerceToDate(value).getTime(), zone)
    const { year, week: weekNumber } = isoWeek(local)
    const days: [string, Value][] = iso
      ? [
          ['isoWeekYear', int(year)],
          ['isoWeek', int(weekNumber)],
          ['isoDayOfWeek', int(isoDayOfWeek(local))],
        ]
      : [
          ['year', int(local.getUTCFullYear())],
          ['month', int(local.getUTCMonth() + 1)],
          ['day', int(local.getUTCDate())],
        ]
    return new Map<string, Value>([
      ...days,
      ['hour', int(local.getUTCHours())],
      ['minute', int(local.getUTCMinutes())],
      ['second', int(local.getUTCSeconds())],
      ['millisecond', int(local.getUTCMilliseconds())],
    ])
  }
}

function moved(sign: 1 | -1): CompileOperator {
  return (operand, scope, name) => {
    const given = compileNamed(operand, name, scope, ['startDate', 'unit', 'amount'], ['timezone'], {
      notObject: [5166400, `${name} expects an object as its argument`],
      unknown: [5166401, `Unrecognized argument to ${name}: `],
      missing: [5166402, `${name} requires startDate, unit, and amount to be present`],
    })
    return (doc) => {
      const start = given.startDate!(doc)
      const unitValue = given.unit!(doc)
      const amount = given.amount!(doc)
      const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
      if (isNullish(start) || isNullish(unitValue) || isNullish(amount) || zone === undefined) return null
      const unit = parseUnit(unitValue, name, 5166404)
      const integer = isNumber(amount) ? exactInteger(amount) : undefined
      if (integer === undefined) {
        throw new DatabaseError(5166405, `${name} expects integer amount of time units`)
      }
      if (!(start instanceof Date || start instanceof ObjectId || start instanceof Timestamp)) {
        throw new DatabaseError(5166403, `${name} requires startDate to be convertible to a date`)
      }
      const result = addUnits(coerceToDate(start).getTime(), unit, sign * Number(integer), zone)
      if (!Number.isFinite(result) || Math.abs(result) > 8.64e15) {
        throw new DatabaseError(5166406, `${name} overflowed`)
      }
      return new Date(result)
    }
  }
}

const dateDiff: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, ['startDate', 'endDate', 'unit'], ['timezone', 'startOfWeek'], {
    notObject: [5166301, '$dateDiff only supports an object as its argument'],
    unknown: [5166302, 'Unrecognized argument to $dateDiff: '],
    missing: [
      isDoc(operand) && operand.has('startDate') ? (operand.has('endDate') ? 5166305 : 5166304) : 5166303,
      "Missing '%' parameter to $dateDiff",
    ],
  })
  return (doc) => {
    const start = given.startDate!(doc)
    const finish = given.endDate!(doc)
    const unitValue = given.unit!(doc)
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    const startOfWeek = given.startOfWeek?.(doc)
    if (isNullish(start) || isNullish(finish) || isNullish(unitValue) || zone === undefined) return null
    const unit = parseUnit(unitValue, name, 5439013)
    if (given.startOfWeek !== undefined && unit === 'week' && isNullish(startOfWeek)) return null
    const firstDay = unit === 'week' && given.startOfWeek !== undefined ? parseWeekDay(startOfWeek, name) : 7
    return BigInt(
      differenceInUnits(coerceToDate(start).getTime(), coerceToDate(finish).getTime(), unit, zone, firstDay),
    )
  }
}

const dateTrunc: CompileOperator = (operand, scope, name) => {
  const given = compileNamed(operand, name, scope, ['date', 'unit'], ['binSize', 'timezone', 'startOfWeek'], {
    notObject: [5439007, '$dateTrunc only supports an object as its argument'],
    unknown: [5439008, 'Unrecognized argument to $dateTrunc: '],
    missing: [isDoc(operand) && operand.has('date') ? 5439010 : 5439009, "Missing '%' parameter to $dateTrunc"],
  })
  return (doc) => {
    const value = given.date!(doc)
    const unitValue = given.unit!(doc)
    const binValue = given.binSize?.(doc)
    const zone = given.timezone === undefined ? UTC : zoneOf(given.timezone(doc))
    const startOfWeek = given.startOfWeek?.(doc)
    if (isNullish(value) || isNullish(unitValue) || zone === undefined) return null
    if (given.binSize !== undefined && isNullish(binValue)) return null
    const unit = parseUnit(unitValue, name, 5439013)
    if (given.startOfWeek !== undefined && unit === 'week' && isNullish(startOfWeek)) return null
    let binSize = 1
    if (given.binSize !== undefined) {
      const integer = isNumber(binValue) ? exactInteger(binValue) : undefined
      if (integer === undefined || !fitsLong(integer)) {
        throw new DatabaseError(
          5439017,
          `$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '${shown(binValue)}' of type ${typeName(binValue)}`,
        )
      }
      if (integer <= 0n)
        throw new DatabaseError(5439018, `$dateTrunc requires 'binSize' to be greater than 0, but got value ${integer}`)
      binSize = Number(integer)
    }
    const firstDay = unit === 'week' && given.startOfWeek !== undefined ? parseWeekDay(startOfWeek, name) : 7
    return new Date(truncateToUnit(coerceToDate(value).getTime(), unit, binSize, zone, firstDay))
  }
}

export const DATE: Operators = {
  $year: part((local) => local.getUTCFullYear()),
  $month: part((local) => local.getUTCMonth() + 1),
  $dayOfMonth: part((local) => local.getUTCDate()),
  $dayOfWeek: part(dayOfWeek),
  $dayOfYear: part(dayOfYear),
  $hour: part((local) => local.getUTCHours()),
  $minute: part((local) => local.getUTCMinutes()),
  $second: part((local) => local.getUTCSeconds()),
  $millisecond: part((local) => local.getUTCMilliseconds()),
  $week: part(week),
  $isoWeek: part((local) => isoWeek(local).week),
  $isoDayOfWeek: part(isoDayOfWeek),
  $isoWeekYear: part((local) => isoWeek(local).year, true),
  $dateToString: dateToString,
  $dateFromString: dateFromString,
  $dateFromParts: dateFromParts,
  $dateToParts: dateToParts,
  $dateAdd: moved(1),
  $dateSubtract: moved(-1),
  $dateDiff: dateDiff,
  $dateTrunc: dateTrunc,
}
