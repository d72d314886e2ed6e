import { exactInteger } from '../../bson/number.ts'
import { Int32, int, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { type Operators, unary, variadic } from './define.ts'
import type { CompileOperator } from './scope.ts'

function folded(identity: bigint, combine: (a: bigint, b: bigint) => bigint): CompileOperator {
  return variadic((values, name) => {
    let result = identity
    let wide = false
    let nullish = false
    for (const value of values) {
      if (isNullish(value)) nullish = true
      else if (value instanceof Int32 || typeof value === 'bigint') {
        if (typeof value === 'bigint') wide = true
        result = combine(result, exactInteger(value)!)
      } else {
        throw new DatabaseError(14, `${name} only supports int and long operands. found: ${typeName(value)}`)
      }
    }
    if (nullish) return null
    return wide ? BigInt.asIntN(64, result) : int(Number(BigInt.asIntN(32, result)))
  })
}

function bitNot(value: Value | undefined): Value {
  if (isNullish(value)) return null
  if (value instanceof Int32) return int(~value.value)
  if (typeof value === 'bigint') return ~value
  throw new DatabaseError(28765, `$bitNot only supports int and long, not: ${typeName(value)}.`)
}

export const BITS: Operators = {
  $bitAnd: folded(-1n, (a, b) => a & b),
  $bitOr: folded(0n, (a, b) => a | b),
  $bitXor: folded(0n, (a, b) => a ^ b),
  $bitNot: unary(bitNot),
}
