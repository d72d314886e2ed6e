import { Decimal128, Double, Int32, Long } from 'bson'
import { type Described, parseDescribed, printDescribed, rewriteDescribed } from '../described.ts'
import { type Doc, literal } from '../generate/value.ts'
import type { Scenario } from '../scenario.ts'
import { type Departure, serverFails } from './departure.ts'
import { bothAgreeOn, serverAgreesOn } from './proof.ts'
import { replacingOperators, rewriteCommands, rewriteFields, rewriteStored, rewriteValues } from './rewrite.ts'
import { agreeIn, differOnlyIn, isOfType, numberOf } from './text.ts'

/** Digits in which two servers must agree where libraries of mathematics may round the last ones apart. */
const TOLERANT_DIGITS = 13

/** How DocumentDB computes and represents numbers. */
export const NUMBER_DEPARTURES: readonly Departure[] = [
  {
    name: 'last digits of doubles',
    reason: `The manual promises no last digit of a double; the two agree in ${TOLERANT_DIGITS}`,
    matches: ({ difference }) =>
      differOnlyIn(difference, (a, b) => isOfType('double', a) && isOfType('double', b) && agree(a, b)),
  },
  {
    name: 'last digits of decimals',
    reason: `The manual promises no last digit of an irrational decimal; the two agree in ${TOLERANT_DIGITS}`,
    matches: ({ difference, text }) =>
      /\$(ln|log|log10|exp|pow|sqrt|a?(sin|cos|tan)h?|atan2|stdDev\w+)\b/.test(text) &&
      differOnlyIn(difference, (a, b) => isOfType('decimal', a) && isOfType('decimal', b) && agree(a, b)),
  },
  {
    name: 'the type of $mod',
    reason:
      'A remainder is of the larger of its two types (manual, "$mod", "Behavior"); DocumentDB gives a whole one in the type of an integer',
    matches: ({ text }) => /\$mod: \[/.test(text),
    proof: bothAgreeOn((scenario) => rewriteCommands(scenario, replacingOperators({ $mod: asDouble }))),
  },
  {
    name: '$avg of decimals',
    reason:
      '$avg of numbers with a decimal among them is a decimal (manual, "$avg", "Result Type"); DocumentDB gives a double',
    matches: ({ difference, text }) =>
      /\$avg\b/.test(text) &&
      differOnlyIn(difference, (a, b) => isOfType('decimal', a) && isOfType('double', b) && agree(a, b)),
  },
  {
    name: '$avg of one value',
    reason: '$avg is a double or a decimal (manual, "$avg", "Result Type"); DocumentDB gives the only value as it is',
    matches: ({ text }) => /\$avg: \[/.test(text),
    proof: serverAgreesOn((scenario) =>
      rewriteCommands(scenario, replacingOperators({ $avg: (operand) => literal({ $avg: besideNothing(operand) }) })),
    ),
  },
  {
    name: 'zeros after a decimal',
    reason: 'The same decimal with more zeros: the manual ("$sum", "$mul") defines its value, not its exponent',
    matches: ({ difference, command, localObservation, serverObservation }) =>
      differOnlyInZeros(difference) ||
      // A decimal that got other zeros was modified.
      (difference.kind === 'counts' &&
        (command?.has('update') === true || command?.has('findAndModify') === true) &&
        differOnlyInZeros({ local: localObservation.data.join('\n'), server: serverObservation.data.join('\n') })),
  },
  {
    name: 'NaN and infinity among decimals',
    reason:
      'Numeric types are equivalent in comparisons (manual, "Comparison/Sort Order", "Numeric Types"), NaN and infinity too (jstests, decimal_find_mixed.js); in DocumentDB a decimal NaN or infinity is not equal to a double one',
    matches: ({ text }) => /Decimal128\.fromString\('(NaN|Infinity)'\)/.test(text),
    proof: bothAgreeOn(withDoublesBeyondNumbers),
  },
  {
    name: 'the first of equal values',
    reason:
      'Of equal numbers of several types one is the answer; the manual ("distinct", "$min", "$maxN", "$addToSet", "$setUnion") does not say which',
    matches: ({ difference, text }) =>
      /\b(distinct: )|\$(min|max|minN|maxN|addToSet|setUnion|setIntersection|setDifference|group|sortByCount)\b/.test(
        text,
      ) &&
      (inOneOrder(difference.local) === inOneOrder(difference.server) || /\$type\b/.test(text)),
    proof: bothAgreeOn((scenario) => rewriteValues(scenario, ofOneType)),
  },
  {
    name: 'types of numbers between',
    reason:
      'The manual ("$densify") does not say of which type the numbers are that it adds: ours have that of the bound and the step, those of DocumentDB that of the field',
    matches: ({ difference, text }) =>
      /\$densify: /.test(text) && inOneOrder(difference.local) === inOneOrder(difference.server),
    proof: bothAgreeOn((scenario) => rewriteValues(scenario, ofOneType)),
  },
  {
    name: 'equal numbers in documents of a set',
    reason:
      'A set has no duplicates (manual, "$setUnion", "Behavior"), and numbers of equal value are equal, whatever their type (manual, "Comparison/Sort Order", "Numeric Types"); DocumentDB tells documents apart by types within',
    matches: ({ difference, text }) =>
      difference.kind === 'result' && /\$set(Union|Intersection|Difference|Equals|IsSubset)\b/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteStored(scenario, (value) => (value instanceof Map ? rewriteFields(value, ofOneType) : value)),
    ),
  },
  {
    name: 'deviations beyond doubles',
    reason:
      'The manual ("$stdDevPop", "$stdDevSamp") has no word on squares that no double can hold; the two disagree whether that is infinity or NaN',
    matches: ({ text }) => /\$stdDev/.test(text),
    proof: bothAgreeOn(withoutHuge),
  },
  {
    name: 'deviations of no numbers',
    reason:
      'The deviation of no numbers is null (manual, "$stdDevPop", "Non-numeric Values"); DocumentDB divides by their count where a window slides past the last',
    matches: ({ difference, server, text }) =>
      serverFails(difference) && /divide by zero/.test(server?.error?.message ?? '') && /\$stdDev/.test(text),
    proof: bothAgreeOn((scenario) => rewriteCommands(scenario, withoutDeviations)),
  },
  {
    name: 'huge doubles rounded',
    reason: 'A double rounded is a double near it (manual, "$round", "Behavior"); DocumentDB makes NaN of a huge one',
    matches: ({ text }) => /\$(round|trunc)\b/.test(text),
    proof: bothAgreeOn(withoutHuge),
  },
  {
    name: 'powers beyond doubles',
    reason: 'A power of doubles that overflows is infinity (manual, "$pow", "Behavior"); DocumentDB refuses it',
    matches: ({ difference, server, text }) =>
      serverFails(difference) && server?.error?.code === 241 && /\$pow\b/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(scenario, replacingOperators({ $pow: () => new Double(Number.POSITIVE_INFINITY) })),
    ),
  },
  {
    name: 'sums that slide',
    reason:
      'A $sum over a window is that of its documents (manual, "$setWindowFields"); DocumentDB subtracts what leaves the window, rounding what stays, which keeps the type of what left',
    matches: ({ difference, text }) =>
      difference.kind === 'result' && /\$(sum|avg): .*window: \{ documents: \[/.test(text),
    proof: bothAgreeOn((scenario) => rewriteValues(scenario, toSmallInt)),
  },
]

/** A remainder that is computed as a double; the condition of that name has no operand to compute. */
function asDouble(operands: unknown): unknown {
  const remainder = literal({ $mod: operands })
  const isComputed = Array.isArray(operands) && operands.some((part) => typeof part === 'string' || part instanceof Map)
  return isComputed ? literal({ $toDouble: remainder }) : remainder
}

/** A greatest value in place of each deviation. */
function withoutDeviations(document: Doc): Doc {
  return new Map([...document].map(([name, value]) => [name.startsWith('$stdDev') ? '$max' : name, value]))
}

/** A list of one value becomes one of two, of which null does not count. */
function besideNothing(operand: unknown): unknown {
  return Array.isArray(operand) && operand.length === 1 ? [...operand, null] : operand
}

function differOnlyInZeros(sides: { readonly local: string; readonly server: string }): boolean {
  return differOnlyIn(
    sides,
    (a, b) => isOfType('decimal', a) && isOfType('decimal', b) && withoutZeros(a) === withoutZeros(b),
  )
}

/** The lines of an answer without the types of numbers, sorted. */
function inOneOrder(answer: string): string {
  const plain = parseDescribed(answer).map((value) => rewriteDescribed(value, withoutType))
  return printDescribed(plain).split('\n').sort().join('\n')
}

function withoutType(value: Described): Described {
  const number = typeof value === 'string' ? numberOf(value) : undefined
  // Zero has a sign in some types.
  return number === undefined ? value : `number(${number + 0})`
}

function isNumeric(value: unknown): boolean {
  return [Int32, Long, Double, Decimal128].some((type) => value instanceof type)
}

/** Every number becomes one that sums of all types hold exactly. */
function toSmallInt(value: unknown): unknown {
  if (!isNumeric(value)) return value
  const number = Math.trunc(Number(String(value)))
  return new Int32(Math.abs(number) < 1000 ? number : 7)
}

/** Equal numbers become the same number. */
function ofOneType(value: unknown): unknown {
  if (!isNumeric(value)) return value
  const number = Number(String(value))
  return Number.isInteger(number) && Math.abs(number) < 2 ** 31 ? new Int32(number) : new Double(number)
}

function withoutHuge(scenario: Scenario): Scenario {
  return rewriteValues(scenario, (value) => (isHuge(value) ? new Double(7) : value))
}

/** A sum with it loses digits of small numbers, or all numbers. */
function isHuge(value: unknown): boolean {
  if (!(value instanceof Decimal128 || value instanceof Double || value instanceof Long)) return false
  return !(Math.abs(Number(value.toString())) < 1e6)
}

function agree(a: string, b: string): boolean {
  return agreeIn(TOLERANT_DIGITS, a, b)
}

/** A decimal as its digits without zeros around them, and their exponent. */
function withoutZeros(decimal: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^decimal\((-?)(\d+)(?:\.(\d*))?(?:E([+-]?\d+))?\)$/.exec(decimal) ?? []
  if (sign === undefined) return decimal
  const digits = (whole + fraction).replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return 'decimal(0)'
  return `decimal(${sign}${kept}E${Number(exponent) - fraction.length + digits.length - kept.length})`
}

function withDoublesBeyondNumbers(scenario: Scenario): Scenario {
  return rewriteValues(scenario, (value) =>
    value instanceof Decimal128 && !Number.isFinite(Number(value.toString()))
      ? new Double(Number(value.toString()))
      : value,
  )
}
