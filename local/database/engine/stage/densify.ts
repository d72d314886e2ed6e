import { compareValues } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { add, exactInteger, multiply, toDouble } from '../../bson/number.ts'
import { type Doc, int, isDoc, isNullish, isNumber, type NumberValue, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { addUnits, type DateUnit, isDateUnit } from '../expression/date-units.ts'
import { shown } from '../expression/define.ts'
import { UTC } from '../expression/timezone.ts'
import { getPlain, splitPath } from '../path.ts'
import { type CompileStage, checkFields, specDoc } from './stage.ts'
import { withPath } from './unwind.ts'

type Place = NumberValue | Date

const MAX_GENERATED = 500_000

interface Range {
  readonly step: NumberValue
  readonly unit: DateUnit | undefined
  readonly bounds: 'full' | 'partition' | readonly [Place, Place]
}

function parseRange(value: Value | undefined): Range {
  if (!isDoc(value)) throw new DatabaseError(40414, "BSON field '$densify.range' is missing but a required field")
  checkFields('$densify.range', value, ['step', 'unit', 'bounds'])
  const step = value.get('step')
  if (!isNumber(step))
    throw new DatabaseError(40414, "BSON field '$densify.range.step' is missing but a required field")
  if (!(toDouble(step) > 0))
    throw new DatabaseError(
      5733401,
      'The step parameter in a range statement must be a strictly positive numeric value',
    )
  const unitValue = value.get('unit')
  let unit: DateUnit | undefined
  if (unitValue !== undefined) {
    if (typeof unitValue !== 'string' || !isDateUnit(unitValue))
      throw new DatabaseError(9, `unknown time unit value: ${shown(unitValue)}`)
    if (exactInteger(step) === undefined) {
      throw new DatabaseError(
        6586400,
        'The step parameter in a range satement must be a whole number when densifying a date range',
      )
    }
    unit = unitValue
  }
  const bounds = value.get('bounds')
  if (bounds === 'full' || bounds === 'partition') return { step, unit, bounds }
  if (!Array.isArray(bounds)) {
    throw new DatabaseError(5946802, `Bounds string must either be 'full' or 'partition'`)
  }
  if (bounds.length !== 2)
    throw new DatabaseError(5733403, 'A bounding array in a range statement must have exactly two elements')
  const places = bounds.map((bound): Place => {
    if (unit === undefined ? isNumber(bound) : bound instanceof Date) return bound as Place
    throw unit === undefined
      ? new DatabaseError(5733402, `A bounding array must be an ascending array of either two dates or two numbers`)
      : new DatabaseError(5733402, 'A bounding array must contain either both dates or both numeric types')
  }) as [Place, Place]
  if (compareValues(places[0], places[1]) >= 0) {
    throw new DatabaseError(5733402, 'A bounding array must be an ascending array of either two dates or two numbers')
  }
  return { step, unit, bounds: places }
}

export const densify: CompileStage = (specValue) => {
  const spec = specDoc(
    '$densify',
    specValue,
    5733201,
    `The $densify specification must be an object, found ${typeName(specValue)}`,
  )
  checkFields('$densify', spec, ['field', 'partitionByFields', 'range'])
  const field = spec.get('field')
  if (typeof field !== 'string')
    throw new DatabaseError(40414, "BSON field '$densify.field' is missing but a required field")
  if (field === '') throw new DatabaseError(40352, 'FieldPath cannot be constructed with empty string')
  const range = parseRange(spec.get('range'))
  const partitionFields = spec.get('partitionByFields') ?? []
  if (!Array.isArray(partitionFields))
    throw new DatabaseError(14, "BSON field '$densify.partitionByFields' is the wrong type, expected type 'array'")
  if (range.bounds === 'partition' && partitionFields.length === 0) {
    throw new DatabaseError(
      5733408,
      "one may not specify the bounds as 'partition' without specifying a non-empty array of partition by fields. You may have meant to specify 'full' bounds.",
    )
  }
  const partitionPaths = partitionFields.map((name) => {
    if (typeof name !== 'string')
      throw new DatabaseError(14, "BSON field '$densify.partitionByFields' is the wrong type, expected type 'string'")
    return splitPath(name)
  })
  const path = splitPath(field)

  const placeOf = (doc: Doc): Place | undefined => {
    const value = getPlain(doc, path)
    if (isNullish(value)) return undefined
    if (range.unit === undefined) {
      if (isNumber(value)) return value
      if (value instanceof Date)
        throw new DatabaseError(6053600, '$densify field type must be numeric with no unit, found date')
      throw new DatabaseError(5733201, 'Densify field type must be numeric or date')
    }
    if (value instanceof Date) return value
    throw new DatabaseError(5733201, 'Densify field type must be date with a unit')
  }
  const nth = (start: Place, count: number): Place => {
    if (start instanceof Date)
      return new Date(addUnits(start.getTime(), range.unit ?? 'millisecond', count * toDouble(range.step), UTC))
    return add(start, multiply(range.step, int(count)))
  }

  return function* (input) {
    const passed: Doc[] = []
    const groups = new Map<string, { sample: Doc; entries: { doc: Doc; place: Place }[] }>()
    let min: Place | undefined
    let max: Place | undefined
    for (const doc of input) {
      const place = placeOf(doc)
      if (place === undefined) {
        passed.push(doc)
        continue
      }
      if (min === undefined || compareValues(place, min) < 0) min = place
      if (max === undefined || compareValues(place, max) > 0) max = place
      const key = partitionPaths.map((part) => hashKey(getPlain(doc, part))).join()
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { sample: doc, entries: [{ doc, place }] })
      else group.entries.push({ doc, place })
    }
    yield* passed
    if (groups.size === 0 && Array.isArray(range.bounds) && partitionPaths.length === 0) {
      groups.set('', { sample: new Map(), entries: [] })
    }
    let generated = 0
    for (const { sample, entries } of groups.values()) {
      entries.sort((a, b) => compareValues(a.place, b.place))
      const explicit = Array.isArray(range.bounds)
      const low: Place = explicit
        ? (range.bounds as readonly Place[])[0]!
        : range.bounds === 'full'
          ? min!
          : entries[0]!.place
      const high: Place = explicit
        ? (range.bounds as readonly Place[])[1]!
        : range.bounds === 'full'
          ? max!
          : entries[entries.length - 1]!.place
      const make = (place: Place): Doc => {
        if (++generated > MAX_GENERATED) {
          throw new DatabaseError(
            5897900,
            `Generated ${generated} documents in $densify, which is over the limit of ${MAX_GENERATED}. Increase the 'internalQueryMaxAllowedDensifyDocs' parameter to allow more generated documents`,
          )
        }
        let doc: Doc = new Map()
        for (const part of partitionPaths) {
          const value = getPlain(sample, part)
          if (value !== undefined) doc = withPath(doc, part, value)
        }
        return withPath(doc, path, place)
      }
      let count = 0
      let next = low
      const advance = (): void => {
        count++
        next = nth(low, count)
      }
      const within = (place: Place): boolean => {
        const order = compareValues(place, high)
        return explicit ? order < 0 : order <= 0
      }
      for (const { doc, place } of entries) {
        while (within(next) && compareValues(next, place) < 0) {
          yield make(next)
          advance()
        }
        if (compareValues(next, place) === 0) advance()
        yield doc
      }
      while (within(next)) {
        yield make(next)
        advance()
      }
    }
  }
}
