import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addFractions,
  divideFractions,
  fraction,
  fractionFromDecimal,
  multiplyFractions,
  roundToHundredths,
  subtractFractions,
} from '../../../domain/exact/fraction.ts'
import {
  addIntegers,
  compareIntegers,
  digitsOf,
  divideMagnitudes,
  integerFromDigits,
  multiplyIntegers,
} from '../../../domain/exact/integer.ts'

const big = fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n })
const of = (value: bigint) => integerFromDigits(String(value))

describe('exact integers', () => {
  it('calculate as BigInt does', () => {
    fc.assert(
      fc.property(big, big, (a, b) => {
        expect(digitsOf(addIntegers(of(a), of(b)))).toBe(String(a + b))
        expect(digitsOf(multiplyIntegers(of(a), of(b)))).toBe(String(a * b))
        expect(Math.sign(compareIntegers(of(a), of(b)))).toBe(a < b ? -1 : Number(a > b))
        if (b === 0n) return
        const [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
        const { quotient, remainder } = divideMagnitudes(of(a), of(b))
        expect([digitsOf(quotient), digitsOf(remainder)]).toEqual([String(x / y), String(x % y)])
      }),
    )
  })

  it('are made of digits only', () => {
    for (const text of ['', '-', '1.5', '1e3', 'x']) expect(() => integerFromDigits(text)).toThrow(RangeError)
  })
})

describe('rounding', () => {
  it.each([
    ['0.625', 0.63],
    ['-0.625', -0.63],
    ['1.005', 1.01],
    ['2.675', 2.68],
    ['-1.005', -1.01],
    ['0.004999', 0],
    ['-0.004', 0],
    ['0', 0],
    ['1e3', 1000],
    ['12345678901234.565', 12_345_678_901_234.57],
    ['1.5e-2', 0.02],
  ])('takes %s to %d: two decimals, halves away from zero', (text, rounded) => {
    expect(roundToHundredths(fractionFromDecimal(text)!)).toBe(rounded)
  })

  it('reads a number as the decimal it prints, not as the double behind it', () => {
    expect(roundToHundredths(fractionFromDecimal(1.005)!)).toBe(1.01)
    expect(roundToHundredths(fractionFromDecimal(0.1 + 0.7)!)).toBe(0.8)
  })

  it('has no decimal for what is none', () => {
    for (const text of ['', 'NaN', 'Infinity', '1.2.3', '.', '-', '0x10', '1e9999'])
      expect(fractionFromDecimal(text)).toBeNull()
  })

  it('happens once: thirds of thirds come back exactly', () => {
    const third = fraction(1, 3)
    expect(roundToHundredths(addFractions(addFractions(third, third), third))).toBe(1)
    expect(roundToHundredths(subtractFractions(multiplyFractions(third, fraction(6)), fraction(2)))).toBe(0)
    expect(roundToHundredths(divideFractions(fraction(1), fraction(-8)))).toBe(-0.13)
    expect(() => divideFractions(fraction(1), fraction(0))).toThrow(RangeError)
  })
})
