import { Int32 } from 'bson'
import type { Doc } from '../generate/value.ts'
import { literal } from '../generate/value.ts'
import { type Departure, serverFails } from './departure.ts'
import { anyOf, bothAgreeOn, oursAgreesOn, serverAgreesOn } from './proof.ts'
import { replacingOperators, rewriteCommands } from './rewrite.ts'

/** How DocumentDB computes aggregation expressions. */
export const EXPRESSION_DEPARTURES: readonly Departure[] = [
  {
    name: 'branches not taken',
    reason:
      '$cond answers one of two, $ifNull the first that is not null, $switch breaks out (manual, each); of what follows what decides $and and $or, an error is possible, not certain (manual, "$and", "Error Handling"). DocumentDB computes all of it',
    matches: ({ difference, text }) => serverFails(difference) && /\$(ifNull|cond|switch|and|or)\b/.test(text),
    proof: oursAgreesOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({ $cond: parts, $ifNull: parts, $switch: parts, $and: parts, $or: parts }),
      ),
    ),
  },
  {
    name: 'operands after null',
    reason:
      '$zip of a null is null, and an error of what is no array (manual, "$zip", "inputs"), $indexOfBytes and $indexOfCP of a first null are null (manual, each), which does not say what goes first: ours stops at the null, DocumentDB computes the other operands all the same',
    matches: ({ difference, text }) => serverFails(difference) && /\$(zip|indexOfBytes|indexOfCP)\b/.test(text),
    proof: anyOf(
      oursAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators(COMPUTING_OPERANDS))),
      // What fails may be a $zip within another.
      oursAgreesOn((scenario) =>
        rewriteCommands(
          scenario,
          replacingOperators({
            ...COMPUTING_OPERANDS,
            $zip: (operand) => (hasZip(operand) ? inputsOf(operand) : literal({ $zip: operand })),
          }),
        ),
      ),
    ),
  },
  {
    name: 'the value of $setField in nothing',
    reason:
      '$setField of a missing input is null (manual, "$setField", "Behavior"), without a word on its value; DocumentDB computes the value all the same, and leaves the field out in some stages',
    matches: ({ text }) => /\$setField/.test(text),
    proof: anyOf(
      oursAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators({ $setField: parts }))),
      serverAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators({ $setField: ofSomething }))),
    ),
  },
  {
    name: '$zip of expressions',
    reason:
      'The inputs of $zip are expressions that resolve to arrays (manual, "$zip", "inputs"); DocumentDB takes some as they are',
    matches: ({ difference, server }) =>
      serverFails(difference) &&
      /\$zip encountered an input that is not an array: \{ "\$/.test(server?.error?.message ?? ''),
  },
  {
    name: 'regular expressions over expressions',
    reason:
      'The input may be any expression of a string (manual, "$regexMatch", "input"); DocumentDB refuses some of a field',
    matches: ({ difference, server }) =>
      serverFails(difference) && /'input' parameter must be of type string/.test(server?.error?.message ?? ''),
    proof: serverAgreesOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({
          $regexMatch: (operand) => overVariable('$regexMatch', operand),
          $regexFind: (operand) => overVariable('$regexFind', operand),
          $regexFindAll: (operand) => overVariable('$regexFindAll', operand),
        }),
      ),
    ),
  },
  {
    name: '$dateTrunc by another period',
    reason:
      'The answer is the lower boundary of the period that the date is in (manual, "$dateTrunc", "Behavior"); DocumentDB rounds towards 2000, and misses the start of some days and weeks',
    matches: ({ text }) => /\$dateTrunc/.test(text),
    proof: serverAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators({ $dateTrunc: fromParts }))),
  },
  {
    name: 'digits of doubles in text',
    reason:
      '$toString answers the value of a double as a string (manual, "$toString", "Behavior": 2.5 as "2.5"), without a word on its digits, nor on numbers in "$toLower"; DocumentDB cuts the value to six digits',
    matches: ({ text }) => /\$(toString|toLower|toUpper|convert)\b/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({
          $toString: (operand) => literal({ $toString: unlessDouble(operand) }),
          $toLower: (operand) => literal({ $toLower: unlessDouble(operand) }),
          $toUpper: (operand) => literal({ $toUpper: unlessDouble(operand) }),
          $convert: (operand) =>
            literal({
              $convert:
                operand instanceof Map && operand.get('to') === 'string'
                  ? new Map([...operand, ['input', unlessDouble(operand.get('input'))]])
                  : operand,
            }),
        }),
      ),
    ),
  },
  {
    name: 'timestamps in text',
    reason:
      'The manual is silent on timestamps as strings; MongoDB writes the day without a zero and the counter as it is (timestamp.cpp, "toStringPretty"), DocumentDB pads both',
    matches: ({ text }) => /Timestamp\(/.test(text) && /\$(substr|toLower|toUpper)/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({
          $toLower: (operand) => literal({ $toLower: unlessTimestamp(operand) }),
          $toUpper: (operand) => literal({ $toUpper: unlessTimestamp(operand) }),
          $substrCP: (operand) => literal({ $substrCP: firstUnlessTimestamp(operand) }),
          $substrBytes: (operand) => literal({ $substrBytes: firstUnlessTimestamp(operand) }),
        }),
      ),
    ),
  },
  {
    name: '$maxN of nothing',
    reason:
      'The array forms of $firstN, $lastN, $maxN and $minN fail for what is no array (manual, "$lastN", "Array Operator")',
    matches: ({ local }) => local?.error?.code === 5788200,
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({
          $maxN: (operand) => ofArrays('$maxN', operand),
          $minN: (operand) => ofArrays('$minN', operand),
          $firstN: (operand) => ofArrays('$firstN', operand),
          $lastN: (operand) => ofArrays('$lastN', operand),
        }),
      ),
    ),
  },
  {
    name: 'arguments that nobody counts',
    reason:
      '$toBool and the others take an expression (manual, "$toBool", "Definition"), not none; DocumentDB converts an empty list to null',
    matches: ({ difference, local }) => difference.kind === 'error' && local?.error?.code === 16020,
    proof: oursAgreesOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators(
          Object.fromEntries(
            CONVERSIONS.map((name) => [
              name,
              (operand) => (isEmptyList(operand) ? null : literal({ [name]: operand })),
            ]),
          ),
        ),
      ),
    ),
  },
  {
    name: 'expressions that no document needs',
    reason:
      'The manual does not say when constants are computed; MongoDB explains a plan with their results (jstests, constant_folding.js), so when it plans, DocumentDB when a document comes',
    matches: ({ difference, local, server, text }) =>
      difference.kind === 'error' &&
      (/^Failed to optimize pipeline/.test(local?.error?.message ?? '') ||
        server?.documents.length === 0 ||
        /\b0\b/.test(server?.summary ?? '') ||
        // What DocumentDB counts of no documents, and adds to them.
        /"(total|n)": int\(0\)/.test(difference.server) ||
        (/\$densify/.test(text) && !difference.server.includes('"_id"'))),
    proof: async ({ scenario, difference: { where } }, ask) => {
      const { answers } = await ask.local({ ...scenario, documents: [] })
      return typeof where === 'number' && answers[where]?.error !== undefined
    },
  },
]

const COMPUTING_OPERANDS = {
  $zip: inputsOf,
  $indexOfBytes: (operands: unknown) => operands,
  $indexOfCP: (operands: unknown) => operands,
}

function hasZip(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasZip)
  return value instanceof Map && (value.has('$zip') || [...value.values()].some(hasZip))
}

/** The operands of an operator as an array, of which all is computed. */
function parts(operand: unknown): unknown {
  if (!(operand instanceof Map)) return operand
  return [...operand].flatMap(([name, value]) =>
    name === 'branches' && Array.isArray(value) ? value.flatMap((branch) => [...branch.values()]) : [value],
  )
}

function unlessDouble(value: unknown): Doc {
  return unlessOfType('double', value)
}

function unlessTimestamp(value: unknown): Doc {
  return unlessOfType('timestamp', value)
}

function unlessOfType(type: string, value: unknown): Doc {
  return literal({ $cond: [literal({ $eq: [literal({ $type: [value] }), type] }), `a ${type}`, value] })
}

function firstUnlessTimestamp(operand: unknown): unknown {
  return Array.isArray(operand) ? [unlessTimestamp(operand[0]), ...operand.slice(1)] : operand
}

function ofSomething(operand: unknown): unknown {
  const set = literal({ $setField: operand })
  if (!(operand instanceof Map)) return set
  return literal({ $cond: [literal({ $gt: [operand.get('input'), null] }), set, null] })
}

function inputsOf(operand: unknown): unknown {
  return operand instanceof Map ? operand.get('inputs') : operand
}

const CONVERSIONS = ['$toBool', '$toInt', '$toLong', '$toDouble', '$toDecimal', '$toDate', '$toString']

function isEmptyList(operand: unknown): boolean {
  return Array.isArray(operand) && operand.length === 0
}

/** The start of the period a date is in, UTC, week from Sunday, as the manual defines it. */
function fromParts(operand: unknown): unknown {
  if (!(operand instanceof Map)) return literal({ $dateTrunc: operand })
  const [date, unit] = [operand.get('date'), operand.get('unit')]
  const year = literal({ $year: date })
  const month = literal({ $month: date })
  const day = literal({ $dateFromParts: literal({ year, month, day: literal({ $dayOfMonth: date }) }) })
  const one = new Int32(1)
  if (unit === 'year') return literal({ $dateFromParts: literal({ year }) })
  if (unit === 'month') return literal({ $dateFromParts: literal({ year, month }) })
  if (unit === 'day') return day
  if (unit === 'week') {
    const amount = literal({ $subtract: [literal({ $dayOfWeek: date }), one] })
    return literal({ $dateSubtract: literal({ startDate: day, unit: 'day', amount }) })
  }
  if (unit === 'quarter') {
    const into = literal({ $mod: [literal({ $subtract: [month, one] }), new Int32(3)] })
    return literal({ $dateFromParts: literal({ year, month: literal({ $subtract: [month, into] }) }) })
  }
  return literal({ $dateTrunc: operand })
}

function overVariable(name: string, operand: unknown): unknown {
  if (!(operand instanceof Map)) return literal({ [name]: operand })
  return literal({
    $let: literal({
      vars: literal({ text: operand.get('input') }),
      in: literal({ [name]: new Map([...operand, ['input', '$$text']]) }),
    }),
  })
}

/** Over a variable: a constant that is no array fails in a branch that is not taken too. */
function ofArrays(name: string, operand: unknown): unknown {
  if (!(operand instanceof Map)) return literal({ [name]: operand })
  const several = literal({ [name]: new Map([...operand, ['input', '$$list']]) })
  return literal({
    $let: literal({
      vars: literal({ list: operand.get('input') }),
      in: literal({ $cond: [literal({ $isArray: ['$$list'] }), several, null] }),
    }),
  })
}
