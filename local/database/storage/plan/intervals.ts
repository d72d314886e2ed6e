import type { Collation } from '../../bson/compare.ts'
import { isNaNValue } from '../../bson/number.ts'
import { printValue } from '../../bson/print.ts'
import { TYPE_ORDER } from '../../bson/types.ts'
import {
  BSONRegExp,
  BsonUndefined,
  CodeWithScope,
  isDoc,
  isNumber,
  MaxKey,
  MinKey,
  type Value,
} from '../../bson/value.ts'
import { isTrue } from '../../engine/match/element.ts'
import { afterPrefix, invertedKey, keyString } from '../key-string.ts'
import type { Predicate } from './predicates.ts'

/** A stretch of one field's key strings, [start, end), with the text that explain shows for it. */
export interface Interval {
  readonly start: string
  readonly end: string
  readonly text: string
  /** One value only, so that the next field of the index can be used too. */
  readonly point: boolean
}

export const ALL: Interval = { start: '', end: '\xff', text: '[MinKey, MaxKey]', point: false }

function point(value: Value, collation: Collation | undefined): Interval {
  const key = keyString(value, collation)
  const text = printValue(value)
  return { start: key, end: afterPrefix(key), text: `[${text}, ${text}]`, point: true }
}

/** What null equals in an index: null or missing, and the undefined that stands for an empty array. */
const NULL_POINTS: readonly Interval[] = [
  { ...point(new BsonUndefined(), undefined), text: '[undefined, undefined]' },
  point(null, undefined),
]

/**
 * The stretches of an ascending field that hold every document the condition can match, and maybe more; `undefined`
 * when an index does not help.
 */
export function intervalsOf(predicate: Predicate, collation: Collation | undefined): Interval[] | undefined {
  const { operator, value } = predicate
  switch (operator) {
    case '$eq':
      return equal(value, collation)
    case '$in':
      return Array.isArray(value) ? union(value, collation) : undefined
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return range(operator, value, collation)
    case '$exists':
      return isTrue(value) ? undefined : [...NULL_POINTS]
    case '$regex':
      return prefixOf(value, predicate.options, collation)
    case '$elemMatch':
      return isDoc(value) ? elements(value, collation) : undefined
    case '$not':
      return isDoc(value) ? complement(value, collation) : undefined
    default:
      return undefined
  }
}

/** What a comparison leaves out. A document whose array holds no match has all its keys there. */
function complement(conditions: ReadonlyMap<string, Value>, collation: Collation | undefined): Interval[] | undefined {
  const [condition, ...others] = conditions
  if (condition === undefined || others.length > 0 || !/^\$[gl]te?$/.test(condition[0])) return undefined
  const excluded = intervalsOf({ operator: condition[0], value: condition[1] }, collation)
  if (excluded === undefined || excluded.length !== 1) return undefined
  const { start, end } = excluded[0]!
  const [from, to] = [lower(excluded[0]!), upper(excluded[0]!)]
  return [
    { start: '', end: start, text: `[MinKey, ${from.slice(1)}${from.startsWith('[') ? ')' : ']'}`, point: false },
    { start: end, end: '\xff', text: `${to.endsWith(']') ? '(' : '['}${to.slice(0, -1)}, MaxKey]`, point: false },
  ]
}

function equal(value: Value, collation: Collation | undefined): Interval[] | undefined {
  if (value === null || value instanceof BsonUndefined) return [...NULL_POINTS]
  if (value instanceof BSONRegExp) return prefixOf(value, undefined, collation)
  if (!Array.isArray(value)) return [point(value, collation)]
  const first = value.length === 0 ? new BsonUndefined() : value[0]!
  const firstIntervals = first === null ? NULL_POINTS : [point(first, collation)]
  return merge([...firstIntervals, point(value, collation)])
}

function union(values: readonly Value[], collation: Collation | undefined): Interval[] | undefined {
  const intervals: Interval[] = []
  for (const value of values) {
    const some = equal(value, collation)
    if (some === undefined) return undefined
    intervals.push(...some)
  }
  return merge(intervals)
}

function range(
  operator: '$gt' | '$gte' | '$lt' | '$lte',
  value: Value,
  collation: Collation | undefined,
): Interval[] | undefined {
  if (value === null) return operator === '$gte' || operator === '$lte' ? [...NULL_POINTS] : []
  if (Array.isArray(value) || value instanceof MinKey || value instanceof MaxKey) return undefined
  if (value instanceof BsonUndefined || value instanceof CodeWithScope || value instanceof BSONRegExp) return undefined
  // NaN is equal to itself and comparable to nothing.
  if (isNumber(value) && isNaNValue(value)) {
    return operator === '$gte' || operator === '$lte' ? [point(value, collation)] : []
  }
  // Under a collation, key strings tell what is equal, not what comes first.
  if (collation && (typeof value === 'string' || isDoc(value))) return undefined
  const key = keyString(value)
  const type = key.charCodeAt(0)
  const [lowest, highest] = bracketText(type)
  // NaN stands before all other numbers, and is less than none.
  const first = type === TYPE_ORDER.number ? afterPrefix(keyString(Number.NaN)) : String.fromCharCode(type)
  const text = printValue(value)
  switch (operator) {
    case '$gt':
      return [
        { start: afterPrefix(key), end: String.fromCharCode(type + 1), text: `(${text}, ${highest}`, point: false },
      ]
    case '$gte':
      return [{ start: key, end: String.fromCharCode(type + 1), text: `[${text}, ${highest}`, point: false }]
    case '$lt':
      return [{ start: first, end: key, text: `${lowest}, ${text})`, point: false }]
    case '$lte':
      return [{ start: first, end: afterPrefix(key), text: `${lowest}, ${text}]`, point: false }]
  }
}

function bracketText(type: number): readonly [string, string] {
  switch (type) {
    case TYPE_ORDER.number:
      return ['[-inf.0', 'inf.0]']
    case TYPE_ORDER.string:
      return ['[""', '{})']
    case TYPE_ORDER.object:
      return ['[{}', '[])']
    case TYPE_ORDER.objectId:
      return ["[ObjectId('000000000000000000000000')", "ObjectId('ffffffffffffffffffffffff')]"]
    case TYPE_ORDER.bool:
      return ['[false', 'true]']
    case TYPE_ORDER.date:
      return ['[new Date(-9223372036854775808)', 'new Date(9223372036854775807)]']
    case TYPE_ORDER.timestamp:
      return ['[Timestamp(0, 0)', 'Timestamp(4294967295, 4294967295)]']
    default:
      return ['[MinKey', 'MaxKey]']
  }
}

/** `^abc` needs only the strings that start with abc, and the regular expressions that are equal to it. */
function prefixOf(
  value: Value,
  givenOptions: string | undefined,
  collation: Collation | undefined,
): Interval[] | undefined {
  if (collation) return undefined
  const pattern = value instanceof BSONRegExp ? value.pattern : value
  const options = givenOptions ?? (value instanceof BSONRegExp ? value.options : '')
  if (typeof pattern !== 'string') return undefined
  const prefix = options === '' || options === 's' ? literalPrefix(pattern) : ''
  const strings: Interval =
    prefix === ''
      ? {
          start: String.fromCharCode(TYPE_ORDER.string),
          end: String.fromCharCode(TYPE_ORDER.object),
          text: '["", {})',
          point: false,
        }
      : stringsFrom(prefix)
  const regex: Interval = {
    start: String.fromCharCode(TYPE_ORDER.regex),
    end: String.fromCharCode(TYPE_ORDER.regex + 1),
    text: `[/${pattern}/${options}, /${pattern}/${options}]`,
    point: false,
  }
  return [strings, regex]
}

function stringsFrom(prefix: string): Interval {
  // Without the zero byte that ends a whole string.
  const start = keyString(prefix).slice(0, -1)
  const last = prefix.length - 1
  const following = prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
  return { start, end: afterPrefix(start), text: `["${prefix}", "${following}")`, point: false }
}

function literalPrefix(pattern: string): string {
  if (!pattern.startsWith('^') || pattern.includes('|')) return ''
  let prefix = ''
  for (let at = 1; at < pattern.length; at++) {
    const character = pattern[at]!
    if (/[\^$.|?*+()[\]{}\\]/.test(character)) {
      // The character before a quantifier may be absent.
      return /[?*{]/.test(character) ? prefix.slice(0, -1) : prefix
    }
    prefix += character
  }
  return prefix
}

function elements(conditions: ReadonlyMap<string, Value>, collation: Collation | undefined): Interval[] | undefined {
  let intervals: Interval[] | undefined
  const options = conditions.get('$options')
  for (const [operator, value] of conditions) {
    if (operator === '$eq' && Array.isArray(value)) continue
    const some = intervalsOf({ operator, value, ...(typeof options === 'string' ? { options } : {}) }, collation)
    if (some) intervals = intervals ? intersect(intervals, some) : some
  }
  return intervals
}

/** Sorted, overlapping ones joined. */
export function merge(intervals: Interval[]): Interval[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const merged: Interval[] = []
  for (const interval of sorted) {
    const last = merged.at(-1)
    if (last && interval.start < last.end) {
      if (interval.end > last.end) {
        merged[merged.length - 1] = { ...interval, start: last.start, text: joinTexts(last, interval), point: false }
      }
    } else merged.push(interval)
  }
  return merged
}

function joinTexts(left: Interval, right: Interval): string {
  return `${lower(left)}, ${upper(right)}`
}

const lower = ({ text }: Interval): string => text.slice(0, splitAt(text))
const upper = ({ text }: Interval): string => text.slice(splitAt(text) + 2)

/** Where the two bounds of an interval's text meet; a bound may contain commas itself. */
function splitAt(text: string): number {
  const half = (text.length - 2) / 2
  let best = text.indexOf(', ')
  for (let at = best; at >= 0; at = text.indexOf(', ', at + 1)) {
    if (Math.abs(at - half) < Math.abs(best - half)) best = at
  }
  return best
}

/** What lies in both. */
export function intersect(left: readonly Interval[], right: readonly Interval[]): Interval[] {
  const both: Interval[] = []
  for (const a of left) {
    for (const b of right) {
      const start = a.start > b.start ? a : b
      const end = a.end < b.end ? a : b
      if (start.start >= end.end) continue
      both.push(
        start === end
          ? start
          : {
              start: start.start,
              end: end.end,
              text: start.point ? start.text : end.point ? end.text : `${lower(start)}, ${upper(end)}`,
              point: start.point || end.point,
            },
      )
    }
  }
  return merge(both)
}

/** The same stretch in a descending field. */
export function descendingInterval(interval: Interval): Interval {
  if (interval === ALL) return { ...ALL, text: '[MaxKey, MinKey]' }
  const text = interval.point ? interval.text : flip(interval)
  if (interval.point) {
    const start = invertedKey(interval.start)
    return { start, end: afterPrefix(start), text, point: true }
  }
  // [start, end) mirrored: from behind every string that starts with the mirrored end.
  return {
    start: afterPrefix(invertedKey(interval.end)),
    end: afterPrefix(invertedKey(interval.start)),
    text,
    point: interval.point,
  }
}

function flip(interval: Interval): string {
  const left = lower(interval)
  const right = upper(interval)
  return `${right.endsWith(']') ? '[' : '('}${right.slice(0, -1)}, ${left.slice(1)}${left.startsWith('[') ? ']' : ')'}`
}
