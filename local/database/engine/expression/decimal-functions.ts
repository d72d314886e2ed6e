import { Decimal as BigDecimal } from 'decimal.js'
import { DECIMAL_DIGITS, digitCount, finite, power10, readDecimal, writeDecimal } from '../../bson/decimal.ts'
import { Decimal128 } from '../../bson/value.ts'

const Precise = BigDecimal.clone({ precision: 45, maxE: 9e15, minE: -9e15, toExpNeg: -1e9, toExpPos: 1e9 })

/** A function of a real number at 34 digits; the result fills all of them unless it is one of the exact cases. */
function apply(value: Decimal128, run: (value: BigDecimal) => BigDecimal): Decimal128 {
  return write(run(new Precise(value.toString())))
}

function write(result: BigDecimal): Decimal128 {
  if (!result.isFinite())
    return Decimal128.fromString(result.isNaN() ? 'NaN' : result.isNegative() ? '-Infinity' : 'Infinity')
  if (result.isZero()) return writeDecimal({ ...finite(0n, 0), negative: result.isNegative() })
  const [digits = '0', exponent = '0'] = result
    .toSignificantDigits(DECIMAL_DIGITS)
    .toExponential(DECIMAL_DIGITS - 1)
    .split('e')
  return writeDecimal(finite(BigInt(digits.replace('.', '')), Number(exponent) - (DECIMAL_DIGITS - 1)))
}

/** The integer that a result is exactly, written short as the decimal library behind MongoDB does. */
function short(value: Decimal128): Decimal128 {
  const parts = readDecimal(value)
  if (parts.kind !== 'finite' || parts.exponent >= 0) return value
  const scale = power10(Math.min(-parts.exponent, DECIMAL_DIGITS))
  if (digitCount(parts.coefficient) > DECIMAL_DIGITS || parts.coefficient % scale !== 0n) return value
  const integer = parts.coefficient / scale
  return writeDecimal(finite(parts.negative ? -integer : integer, 0))
}

const isZero = (value: Decimal128): boolean => {
  const parts = readDecimal(value)
  return parts.kind === 'finite' && parts.coefficient === 0n
}

const ONE = Decimal128.fromString('1')

export function decimalExp(value: Decimal128): Decimal128 {
  if (isZero(value)) return ONE
  return apply(value, (x) =>
    x.isFinite() && x.gt(14200) ? new Precise(Infinity) : x.isFinite() && x.lt(-14300) ? new Precise(0) : x.exp(),
  )
}

export function decimalLn(value: Decimal128): Decimal128 {
  return short(apply(value, (x) => x.ln()))
}

export function decimalLog10(value: Decimal128): Decimal128 {
  return short(apply(value, (x) => x.log(10)))
}

export function decimalPower(base: Decimal128, exponent: Decimal128): Decimal128 {
  const power = new Precise(exponent.toString())
  return apply(base, (x) => {
    if (x.isFinite() && power.isFinite() && !x.isZero() && power.abs().mul(x.abs().log(10).abs()).gt(7000)) {
      const grows = x.abs().gt(1) === power.gt(0)
      return grows ? new Precise(x.isNegative() && power.mod(2).abs().eq(1) ? -Infinity : Infinity) : new Precise(0)
    }
    return x.pow(power)
  })
}

export type RealFunction =
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'

export function decimalFunction(name: RealFunction, value: Decimal128): Decimal128 {
  return apply(value, (x) => x[name]())
}

export function decimalAtan2(y: Decimal128, x: Decimal128): Decimal128 {
  return write(Precise.atan2(new Precise(y.toString()), new Precise(x.toString())))
}
