import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roundToHundredths } from '../../../domain/exact/fraction.ts'
import {
  addMoney,
  isSameMoney,
  type Money,
  moneyFraction,
  moneyNumber,
  monthlyMoney,
  subtractMoney,
  sumMoney,
  zeroMoney,
} from '../../../domain/money.ts'

const printed = (amount: Money): number => roundToHundredths(moneyFraction(amount))

describe('money', () => {
  it.each([
    [99, false, 1, 99],
    [2000, true, 1, 166.67],
    [0.1, false, 1, 0.1],
    ['49.995', false, 1, 50],
    [100, true, 1.0853, 9.04],
    [10, false, '0.3333333333', 3.33],
    [1.005, false, 1, 1.01],
  ])('of %s (yearly %s) at rate %s is %d a month', (price, yearly, rate, monthly) => {
    expect(printed(monthlyMoney(price, yearly, rate)!)).toBe(monthly)
  })

  it('is whole twelfths of a cent for every price in cents', () => {
    expect(monthlyMoney(2000, true)).toEqual({ twelfths: 200_000, rest: 0 })
    expect(monthlyMoney(0.01, true)).toEqual({ twelfths: 1, rest: 0 })
    expect(monthlyMoney(19.99, false)).toEqual({ twelfths: 23_988, rest: 0 })
  })

  it('adds without drift: twelve twelfths of any yearly price are the price', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 11 }), fc.constantFrom(1, 1.0853, 0.000731), (cents, rate) => {
        const month = monthlyMoney(cents / 100, true, rate)!
        const year = sumMoney(Array.from({ length: 12 }, () => month))
        expect(Math.abs(moneyNumber(year) - (cents / 100) * rate)).toBeLessThan(1e-6 * Math.max(1, cents / 1e6))
        if (rate === 1) expect(printed(year)).toBe(cents / 100)
        expect(subtractMoney(addMoney(year, month), year)).toEqual(month)
      }),
    )
  })

  it('calls amounts the same below half a cent', () => {
    expect(isSameMoney(monthlyMoney(100, true)!, monthlyMoney(8.33, false)!)).toBe(true)
    expect(isSameMoney(monthlyMoney(8.33, false)!, monthlyMoney(100, true)!)).toBe(true)
    expect(isSameMoney(monthlyMoney(8.34, false)!, monthlyMoney(8.33, false)!)).toBe(false)
    expect(isSameMoney(monthlyMoney('0.005', false)!, zeroMoney)).toBe(false)
  })

  it('is nothing when the price or the rate is no number', () => {
    expect(monthlyMoney('NaN', false)).toBeNull()
    expect(monthlyMoney(1, false, 'x')).toBeNull()
    expect(monthlyMoney(Number.POSITIVE_INFINITY, false)).toBeNull()
  })
})
