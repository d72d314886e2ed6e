import type { Doc } from '../generate/value.ts'
import { literal } from '../generate/value.ts'
import type { Departure } from './departure.ts'
import { bothAgreeOn, oursAgreesOn, serverAgreesOn } from './proof.ts'
import { replacingOperators, rewriteCommands } from './rewrite.ts'
import { differOnlyIn } from './text.ts'

/** How DocumentDB computes aggregation expressions. */
export const EXPRESSION_DEPARTURES: readonly Departure[] = [
  {
    name: 'branches not taken',
    reason:
      '$cond answers one of two, $ifNull the first that is not null, $switch breaks out, $and and $or stop (manual, each); DocumentDB computes what is left too',
    matches: ({ difference, text }) => difference.kind === 'no error' && /\$(ifNull|cond|switch|and|or)\b/.test(text),
    proof: oursAgreesOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({ $cond: parts, $ifNull: parts, $switch: parts, $and: parts, $or: parts }),
      ),
    ),
  },
  {
    name: 'the value of $setField in nothing',
    reason: '$setField of a missing input is null (manual, "$setField"); DocumentDB computes the value all the same',
    matches: ({ difference, text }) => difference.kind === 'no error' && /\$setField/.test(text),
    proof: oursAgreesOn((scenario) => rewriteCommands(scenario, replacingOperators({ $setField: parts }))),
  },
  {
    name: '$zip of expressions',
    reason:
      'The inputs of $zip are expressions that resolve to arrays (manual, "$zip"); DocumentDB takes some as they are',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' &&
      /\$zip encountered an input that is not an array: \{ "\$/.test(server?.error?.message ?? ''),
  },
  {
    name: 'regular expressions over expressions',
    reason: 'The input may be any expression of a string (manual, "$regexMatch"); DocumentDB refuses some of a field',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' && /'input' parameter must be of type string/.test(server?.error?.message ?? ''),
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
      'A date is cut to the start of its own period (manual, "$dateTrunc"); DocumentDB goes a period on or back for some, as for one that is a start',
    matches: ({ difference, text }) =>
      /\$dateTrunc/.test(text) && differOnlyIn(difference, (a, b) => isDate(a) && isDate(b)),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(
        scenario,
        replacingOperators({ $dateTrunc: (operand) => (operand instanceof Map ? operand.get('date') : operand) }),
      ),
    ),
  },
  {
    name: '$maxN of nothing',
    reason: 'The array forms of $firstN, $lastN, $maxN and $minN need an array (manual, "$maxN", "Array Operator")',
    matches: ({ difference, local }) => difference.kind === 'error' && local?.error?.code === 5788200,
    proof: oursAgreesOn((scenario) =>
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
    reason: 'An operator of one argument takes one (manual, "$toBool"); DocumentDB converts an empty list to null',
    matches: ({ difference, local, text }) =>
      difference.kind === 'error' &&
      local?.error?.code === 16020 &&
      /\$to(Bool|Int|Long|Double|Decimal|Date|String): \[\]/.test(text),
  },
  {
    name: 'expressions that no document needs',
    reason:
      'MongoDB reads expressions and computes their constants when it plans (manual, "explain"); DocumentDB when a document comes',
    matches: ({ difference, server }) =>
      difference.kind === 'error' &&
      (server?.documents.length === 0 ||
        /\b0\b/.test(server?.summary ?? '') ||
        // What DocumentDB counts of no documents.
        /"(total|n)": int\(0\)/.test(difference.server)),
    proof: async ({ scenario, difference: { where } }, ask) => {
      const { answers } = await ask.local({ ...scenario, documents: [] })
      return typeof where === 'number' && answers[where]?.error !== undefined
    },
  },
]

/** The operands of an operator as an array, of which all is computed. */
function parts(operand: unknown): unknown {
  if (!(operand instanceof Map)) return operand
  return [...operand].flatMap(([name, value]) =>
    name === 'branches' && Array.isArray(value) ? value.flatMap((branch) => [...branch.values()]) : [value],
  )
}

function isDate(scalar: string): boolean {
  return scalar.startsWith('date(')
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

function ofArrays(name: string, operand: unknown): Doc {
  const input = operand instanceof Map ? operand.get('input') : operand
  return literal({ $cond: [literal({ $isArray: [input] }), literal({ [name]: operand }), null] })
}
