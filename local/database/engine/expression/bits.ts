import { exactInteger } from '../../bson/number.ts'
import { Int32, int, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { numeric, type Operators, unary, variadic } from './define.ts'
import type { CompileOperator } from './scope.ts'

function folded(identity: bigint, combine: (a: bigint, b: bigint) => bigint): CompileOperator {
  return variadic((values, name) => {
    let result = identity
    let wide = false
    for (const value of values) {
      if (isNullish(value)) return null
      if (!(value instanceof Int32 || typeof value === 'bigint')) {
        throw new DatabaseError(14, `${name} only supports int and long operands.`)
      }
      if (typeof value === 'bigint') wide = true
      result = combine(result, exactInteger(value)!)
    }
    return wide ? BigInt.asIntN(64, result) : int(Number(BigInt.asIntN(32, result)))
  })
}

function bitNot(value: Value | undefined, name: string): Value {
  if (isNullish(value)) return null
  if (value instanceof Int32) return int(~value.value)
  if (typeof value === 'bigint') return ~value
  throw new DatabaseError(14, `${name} only supports int and long, not: ${typeName(numeric(value, name))}.`)
}

export const BITS: Operators = {
  $bitAnd: folded(-1n, (a, b) => a & b),
  $bitOr: folded(0n, (a, b) => a | b),
  $bitXor: folded(0n, (a, b) => a ^ b),
  $bitNot: unary(bitNot),
}
