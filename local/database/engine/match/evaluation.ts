import { fitsLong, isNaNValue, truncatedInteger } from '../../bson/number.ts'
import { printValue } from '../../bson/print.ts'
import { BSONRegExp, type Doc, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { matchesRegex } from './comparison.ts'
import type { Test } from './condition.ts'

/** `$mod: [divisor, remainder]` on the integer part of numbers. */
export function mod(operand: Value): Test {
  if (!Array.isArray(operand)) throw new DatabaseError(2, 'malformed mod, needs to be an array')
  if (operand.length < 2) throw new DatabaseError(2, 'malformed mod, not enough elements')
  if (operand.length > 2) throw new DatabaseError(2, 'malformed mod, too many elements')
  const [divisorValue, remainderValue] = operand
  if (!isNumber(divisorValue)) throw new DatabaseError(2, 'malformed mod, divisor not a number')
  if (!isNumber(remainderValue)) throw new DatabaseError(2, 'malformed mod, remainder not a number')
  const divisor = modOperand(divisorValue, 'divisor')
  const remainder = modOperand(remainderValue, 'remainder')
  if (divisor === 0n) throw new DatabaseError(2, 'divisor cannot be 0')
  return (value) => {
    if (!isNumber(value)) return false
    const integer = truncatedInteger(value)
    return integer !== undefined && fitsLong(integer) && integer % divisor === remainder
  }
}

function modOperand(value: Value, what: 'divisor' | 'remainder'): bigint {
  if (!isNumber(value) || isNaNValue(value)) {
    throw new DatabaseError(2, `malformed mod, ${what} value is invalid :: caused by :: NaN is an invalid argument`)
  }
  const integer = truncatedInteger(value)
  if (integer === undefined) {
    throw new DatabaseError(
      2,
      `malformed mod, ${what} value is invalid :: caused by :: Infinity is an invalid argument`,
    )
  }
  if (!fitsLong(integer)) {
    throw new DatabaseError(
      2,
      `malformed mod, ${what} value is invalid :: caused by :: Out of bounds coercing to integral value`,
    )
  }
  return integer
}

/** `$regex` with the `$options` beside it. */
export function regex(operand: Value, siblings: Doc): Test {
  const optionsValue = siblings.get('$options')
  if (optionsValue !== undefined && typeof optionsValue !== 'string') {
    throw new DatabaseError(2, '$options has to be a string')
  }
  if (operand instanceof BSONRegExp) {
    if (optionsValue !== undefined && operand.options !== '') {
      throw new DatabaseError(51075, 'options set in both $regex and $options')
    }
    return matchesRegex(new BSONRegExp(operand.pattern, optionsValue ?? operand.options))
  }
  if (typeof operand !== 'string') throw new DatabaseError(2, '$regex has to be a string')
  for (const option of optionsValue ?? '') {
    if (!'imsxu'.includes(option)) {
      throw new DatabaseError(51108, `invalid flag in regex options: ${option}`)
    }
  }
  if (operand.includes('\0')) {
    throw new DatabaseError(2, `Regular expression cannot contain an embedded null byte: ${printValue(operand)}`)
  }
  return matchesRegex(new BSONRegExp(operand, optionsValue ?? ''))
}
