import {
  addFractions,
  type Fraction,
  fraction,
  fractionFromDecimal,
  multiplyFractions,
  roundFraction,
} from './exact/fraction.ts'
import { digitsOf, divideMagnitudes, integer } from './exact/integer.ts'

/**
 * An exact amount of the reporting currency. A twelfth of a minor unit is whole for monthly and yearly prices alike
 * (a yearly amount / 12 is no whole number of cents); `rest` holds what a currency conversion adds.
 */
export interface Money {
  /** Whole twelfths of a minor unit (1/1200 of a major unit). */
  readonly twelfths: number
  /** Further 10^-10 of a twelfth, 0 <= rest < 10^10. */
  readonly rest: number
}

const restsPerTwelfth = 10_000_000_000
const twelfthsPerMajor = 1200

export const zeroMoney: Money = { twelfths: 0, rest: 0 }

/** No real recurring price is higher; what is would leave the range in which sums stay exact. */
export const absurdAmount = 100_000_000_000

function normalise(twelfths: number, rest: number): Money {
  const carry = Math.floor(rest / restsPerTwelfth)
  return { twelfths: twelfths + carry, rest: rest - carry * restsPerTwelfth }
}

export function addMoney(a: Money, b: Money): Money {
  return normalise(a.twelfths + b.twelfths, a.rest + b.rest)
}

export function subtractMoney(a: Money, b: Money): Money {
  return normalise(a.twelfths - b.twelfths, a.rest - b.rest)
}

export function compareMoney(a: Money, b: Money): number {
  return a.twelfths !== b.twelfths ? a.twelfths - b.twelfths : a.rest - b.rest
}

export function minMoney(a: Money, b: Money): Money {
  return compareMoney(a, b) <= 0 ? a : b
}

export function isPositive(amount: Money): boolean {
  return amount.twelfths > 0 || (amount.twelfths === 0 && amount.rest > 0)
}

export function sumMoney(amounts: Iterable<Money>): Money {
  let sum = zeroMoney
  for (const amount of amounts) sum = addMoney(sum, amount)
  return sum
}

/** The amount in major units. */
export function moneyFraction(amount: Money): Fraction {
  const twelfths = fraction(amount.twelfths, twelfthsPerMajor)
  if (amount.rest === 0) return twelfths
  const rest = multiplyFractions(fraction(amount.rest, restsPerTwelfth), fraction(1, twelfthsPerMajor))
  return addFractions(twelfths, rest)
}

/** The nearest double in major units; for people and charts, never for further sums. */
export function moneyNumber(amount: Money): number {
  return amount.twelfths / twelfthsPerMajor + amount.rest / restsPerTwelfth / twelfthsPerMajor
}

/** `amount` major units, to the nearest 10^-10 of a twelfth of a minor unit, halves away from zero. */
export function moneyFromFraction(amount: Fraction): Money {
  const rests = roundFraction(
    multiplyFractions(multiplyFractions(amount, fraction(twelfthsPerMajor)), fraction(restsPerTwelfth)),
  )
  const { quotient, remainder } = divideMagnitudes(rests, integer(restsPerTwelfth))
  const sign = rests.negative ? -1 : 1
  return normalise(sign * Number(digitsOf(quotient)), sign * Number(digitsOf(remainder)))
}

/**
 * The monthly value of a recurring price: `price * rate`, over 12 when it is yearly.
 *
 * @param price major units, as stored: a number, or the decimal text of a Decimal128
 * @param rate reporting currency per unit of the price's currency
 * @returns null when price or rate is no finite decimal
 */
export function monthlyMoney(price: number | string, yearly: boolean, rate: number | string = 1): Money | null {
  if (typeof price === 'number' && rate === 1) {
    const cents = Math.round(price * 100)
    // Most prices: whole cents, and the shortest decimal of the double says so.
    if (Number.isSafeInteger(cents * 12) && cents / 100 === price)
      return { twelfths: yearly ? cents : cents * 12, rest: 0 }
  }
  const exactPrice = fractionFromDecimal(price)
  const exactRate = fractionFromDecimal(rate)
  if (exactPrice === null || exactRate === null) return null
  const converted = multiplyFractions(exactPrice, exactRate)
  return moneyFromFraction(yearly ? multiplyFractions(converted, fraction(1, 12)) : converted)
}

/** True when the absolute difference is under half a minor unit: no movement (spec: KPIs 1, sums of money). */
export function isSameMoney(a: Money, b: Money): boolean {
  const difference = subtractMoney(compareMoney(a, b) >= 0 ? a : b, compareMoney(a, b) >= 0 ? b : a)
  return difference.twelfths < 6
}
