import { Decimal128, Double, Int32, MaxKey, MinKey } from 'bson'
import type { Doc } from '../generate/value.ts'
import { doc, literal } from '../generate/value.ts'
import { type Departure, serverFails } from './departure.ts'
import { anyOf, bothAgreeOn, oursAgreesOn, serverAgreesOn } from './proof.ts'
import {
  mapCommands,
  replacingOperators,
  rewriteCommands,
  rewritePipelines,
  rewriteStored,
  rewriteValues,
} from './rewrite.ts'

/** How DocumentDB reads filters, sorts and what else `find`, `count` and `distinct` take. */
export const QUERY_DEPARTURES: readonly Departure[] = [
  {
    name: 'bits of what is no integer',
    reason:
      'The bitwise operators match whole numbers that a long can hold (manual, "$bitsAllSet", "Floating Point Values")',
    matches: ({ text }) => /\$bits/.test(text),
    proof: bothAgreeOn((scenario) => rewriteStored(scenario, (value) => (isNoLong(value) ? 'no number' : value))),
  },
  {
    name: '$all of nothing',
    reason: '$all with an empty array matches nothing (manual, "$all", "Empty Array")',
    matches: ({ text }) => /\$all: \[\]/.test(text),
    proof: serverAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators({ $all: inNothing }))),
  },
  {
    name: 'fractions in a list',
    reason:
      'Numbers of equal value are equal, whatever their type (manual, "Comparison/Sort Order", "Numeric Types"); in a list of several values, and in a set, DocumentDB finds no decimal by a double with a fraction, nor a double by a decimal',
    matches: ({ text }) => /\$n?in: \[[^\]]|\$addToSet: /.test(text),
    proof: anyOf(
      bothAgreeOn((scenario) => rewriteStored(scenario, withoutFraction)),
      // An update stores numbers too.
      bothAgreeOn((scenario) => rewriteValues(scenario, withoutFraction)),
    ),
  },
  {
    name: 'MaxKey above missing fields',
    reason:
      'MinKey is the lowest value and MaxKey the highest (manual, "Comparison/Sort Order"); that ranges of them are not bracketed by type, and take what is missing, is in the jstests (index_bounds_maxkey.js), not the manual',
    matches: ({ text }) => /\$lte?: new MaxKey\(\)|\$gte?: new MinKey\(\)/.test(text),
    proof: anyOf(
      serverAgreesOn((scenario) => rewriteCommands(scenario, withoutExtremes)),
      // Behind an empty array nothing is missing, which other words do not say.
      bothAgreeOn((scenario) => rewriteCommands(scenario, withoutExtremes)),
    ),
  },
  {
    name: 'distinct of an array in an array',
    reason: 'distinct takes each element of an array at the path (manual, "distinct", "Array Fields"), by position too',
    matches: ({ difference, command }) =>
      difference.kind === 'result' && /\.\d+$/.test(String(command?.has('distinct') && command.get('key'))),
    proof: bothAgreeOn((scenario) =>
      rewriteStored(scenario, (value) =>
        Array.isArray(value) ? value.map((item) => (Array.isArray(item) ? 'an array' : item)) : value,
      ),
    ),
  },
  {
    name: 'count of a whole collection',
    reason:
      'count without a filter answers from metadata and may be inaccurate (manual, "count", "Inaccurate Counts Without Query Predicate"): ours are exact, DocumentDB brings its own up to date late',
    matches: ({ difference, command }) => difference.kind === 'counts' && isEmpty(command?.get('query')),
    proof: serverAgreesOn((scenario) =>
      mapCommands(scenario, (command) =>
        command.has('count') && isEmpty(command.get('query'))
          ? new Map([...command, ['query', literal({ _id: literal({ $exists: true }) })]])
          : command,
      ),
    ),
  },
  {
    name: 'documents beyond the limit',
    reason:
      'A limit is the number of documents to return (manual, "find", "limit"), without a word on the others: ours stops there, DocumentDB computes their conditions',
    matches: ({ difference, command, text }) =>
      serverFails(difference) &&
      /\$expr/.test(text) &&
      (command?.has('limit') === true || command?.has('findAndModify') === true),
    proof: anyOf(
      oursAgreesOn((scenario) => mapCommands(scenario, withoutLimit)),
      oursAgreesOn((scenario) => mapCommands(scenario, asFind)),
    ),
  },
  {
    name: 'conditions beside one that fails',
    reason:
      'A condition after one that fails may be an error, or none (manual, "$and", "Behavior"), and $match after $match is one $and (manual, "Aggregation Pipeline Optimization"): ours goes by their order and stops, DocumentDB computes $expr before or after any other',
    matches: ({ difference, text }) => /error$/.test(difference.kind) && /\$expr/.test(text),
    proof: anyOf(
      oursAgreesOn((scenario) => rewriteCommands(scenario, onlyComputed)),
      oursAgreesOn((scenario) => rewritePipelines(rewriteCommands(scenario, computedLast), matchedComputedLast)),
      oursAgreesOn((scenario) =>
        rewritePipelines(scenario, (stages) => matchRuns(stages).flatMap((run) => run.reverse())),
      ),
    ),
  },
  {
    name: 'empty arrays in a sort',
    reason: 'An empty array sorts below null and a missing field (manual, "Comparison/Sort Order", "Arrays")',
    matches: ({ text }) => /sort: \{ \w/.test(text) && /: \[\]/.test(text),
    proof: anyOf(
      bothAgreeOn((scenario) => rewriteStored(scenario, filled)),
      // An update stores arrays too.
      bothAgreeOn((scenario) => rewriteValues(scenario, filled)),
      bothAgreeOn((scenario) => rewritePipelines(scenario, (stages) => stages.flatMap(sortedByNoEmptyArray))),
    ),
  },
  {
    name: 'ties of arrays in a sort',
    reason:
      'An array sorts by its least or greatest element, and what ties comes in no order (manual, "Comparison/Sort Order", "Arrays"; "$sort", "Sort Consistency")',
    matches: ({ difference, text }) => difference.kind === 'result' && /\$sort: .*\$sort: /.test(text),
    proof: bothAgreeOn((scenario) => rewritePipelines(scenario, (stages) => stages.flatMap(sortedWithoutTies))),
  },
]

/** An empty array as one of the value that sorts as it does. */
function filled(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? [new MinKey()] : value
}

/** The keys of a `$sort`, by name. */
function keysOf(stage: Doc): Doc {
  const keys = stage.get('$sort')
  return keys instanceof Map ? keys : doc([])
}

/** A sort after empty arrays, computed ones too, became arrays of the value that sorts as they do. */
function sortedByNoEmptyArray(stage: Doc): Doc[] {
  const keys = [...keysOf(stage).keys()]
  if (keys.length === 0) return [stage]
  const padded = keys.map((name): [string, unknown] => [
    name,
    literal({ $cond: [literal({ $eq: [`$${name}`, []] }), [new MinKey()], `$${name}`] }),
  ])
  return [literal({ $addFields: doc(padded) }), stage]
}

/** A sort that goes on by all elements of its keys. */
function sortedWithoutTies(stage: Doc): Doc[] {
  const keys = [...keysOf(stage)]
  if (keys.length === 0) return [stage]
  const whole = literal({ v: doc(keys.map(([name]) => [name, `$${name}`])) })
  return [
    literal({ $addFields: literal({ tie: whole }) }),
    literal({ $sort: doc([...keys, ['tie', new Int32(1)]]) }),
    literal({ $unset: 'tie' }),
  ]
}

function isNoLong(value: unknown): boolean {
  if (!(value instanceof Decimal128)) return false
  const number = Number(value.toString())
  return !Number.isInteger(number) || Math.abs(number) >= 2 ** 63
}

function isFraction(value: unknown): boolean {
  return (value instanceof Decimal128 || value instanceof Double) && !Number.isInteger(Number(value.toString()))
}

function withoutFraction(value: unknown): unknown {
  return isFraction(value) ? 'no integer' : value
}

function inNothing(operand: unknown): Doc {
  return Array.isArray(operand) && operand.length === 0 ? literal({ $in: [] }) : literal({ $all: operand })
}

const EXTREMES: Readonly<Record<string, typeof MaxKey | typeof MinKey>> = {
  $lt: MaxKey,
  $lte: MaxKey,
  $gt: MinKey,
  $gte: MinKey,
}

/** Comparisons that every document passes left out, or said in words that have no key to compare. */
function withoutExtremes(condition: Doc): Doc {
  const kept = [...condition].filter(([name, bound]) => {
    const extreme = EXTREMES[name]
    return extreme === undefined || !(bound instanceof extreme)
  })
  return doc(kept.length === 0 && condition.size > 0 ? [['$nin', []]] : kept)
}

function isEmpty(value: unknown): boolean {
  return value instanceof Map && value.size === 0
}

function withoutLimit(command: Doc): Doc {
  return new Map([...command].filter(([name]) => name !== 'limit'))
}

/** A filter, or a stage of one, with its `$expr` alone. */
function onlyComputed(document: Doc): Doc {
  if (document.has('$expr')) return doc([['$expr', document.get('$expr')]])
  const match = document.get('$match')
  return match instanceof Map && !match.has('$expr') ? literal({ $match: literal({}) }) : document
}

/** A filter with its `$expr` after all other conditions. */
function computedLast(document: Doc): Doc {
  return new Map([...document].sort(([a], [b]) => Number(a === '$expr') - Number(b === '$expr')))
}

/** Of stages of `$match` in a row, those with `$expr` after the others. */
function matchedComputedLast(stages: readonly Doc[]): readonly Doc[] {
  const last = (run: Doc[]) => run.sort((a, b) => Number(isComputed(a)) - Number(isComputed(b)))
  return matchRuns(stages).flatMap(last)
}

/** The stages in their order, those of `$match` in a row together. */
function matchRuns(stages: readonly Doc[]): Doc[][] {
  const runs: Doc[][] = []
  for (const stage of stages) {
    const last = runs.at(-1)
    if (stage.has('$match') && last?.[0]?.has('$match')) last.push(stage)
    else runs.push([stage])
  }
  return runs
}

function isComputed(stage: Doc): boolean {
  const match = stage.get('$match')
  return match instanceof Map && match.has('$expr')
}

/** All that a findAndModify would look at. */
function asFind(command: Doc): Doc {
  if (!command.has('findAndModify')) return command
  return new Map<string, unknown>([
    ['find', command.get('findAndModify')],
    ['filter', command.get('query')],
    ['batchSize', new Int32(1000)],
  ])
}
