import { compareNumbers } from '../../bson/compare.ts'
import { writeDecimal } from '../../bson/decimal.ts'
import { isNaNValue, multiply, toDecimal, toDouble } from '../../bson/number.ts'
import { Decimal128, isNullish, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { decimalAtan2, decimalFunction, type RealFunction } from './decimal-functions.ts'
import { binary, numeric, type Operators, unary } from './define.ts'
import type { CompileOperator } from './scope.ts'

interface Domain {
  readonly min: number
  readonly max: number
  readonly open: boolean
  readonly text: string
}

const FINITE: Domain = { min: -Infinity, max: Infinity, open: true, text: '(-inf,inf)' }
const UNIT: Domain = { min: -1, max: 1, open: false, text: '[-1,1]' }

function real(name: RealFunction, domain?: Domain): CompileOperator {
  const run = Math[name]
  return unary((value, operator) => {
    if (isNullish(value)) return null
    const number = numeric(value, operator)
    if (domain !== undefined && !isNaNValue(number)) {
      const low = compareNumbers(number, domain.min)
      const high = compareNumbers(number, domain.max)
      if (low < 0 || high > 0 || (domain.open && (low === 0 || high === 0))) {
        throw new DatabaseError(
          50989,
          `cannot apply ${operator} to ${toDouble(number)}, value must be in ${domain.text}`,
        )
      }
    }
    return number instanceof Decimal128 ? decimalFunction(name, number) : run(toDouble(number))
  })
}

const DEGREE = Decimal128.fromString('0.01745329251994329576923690768488613')
const RADIAN = Decimal128.fromString('57.29577951308232087679815481410517')

function converted(decimalFactor: Decimal128, factor: number): CompileOperator {
  return unary((value, name) => {
    if (isNullish(value)) return null
    const number = numeric(value, name)
    return number instanceof Decimal128 ? multiply(number, decimalFactor) : toDouble(number) * factor
  })
}

function atan2(y: Value | undefined, x: Value | undefined): Value {
  if (isNullish(y) || isNullish(x)) return null
  if (!isNumber(y)) throw new DatabaseError(51044, `$atan2 only supports numeric types, not ${typeName(y)}`)
  if (!isNumber(x)) throw new DatabaseError(51045, `$atan2 only supports numeric types, not ${typeName(x)}`)
  if (y instanceof Decimal128 || x instanceof Decimal128) {
    return decimalAtan2(writeDecimal(toDecimal(y)), writeDecimal(toDecimal(x)))
  }
  return Math.atan2(toDouble(y), toDouble(x))
}

export const TRIGONOMETRY: Operators = {
  $sin: real('sin', FINITE),
  $cos: real('cos', FINITE),
  $tan: real('tan', FINITE),
  $asin: real('asin', UNIT),
  $acos: real('acos', UNIT),
  $atan: real('atan'),
  $sinh: real('sinh'),
  $cosh: real('cosh'),
  $tanh: real('tanh'),
  $asinh: real('asinh'),
  $acosh: real('acosh', { min: 1, max: Infinity, open: false, text: '[1,inf]' }),
  $atanh: real('atanh', UNIT),
  $atan2: binary(atan2),
  $degreesToRadians: converted(DEGREE, Math.PI / 180),
  $radiansToDegrees: converted(RADIAN, 180 / Math.PI),
}
