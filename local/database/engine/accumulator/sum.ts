import { type Decimal, exactDouble, finite, readDecimal, writeDecimal } from '../../bson/decimal.ts'
import { addDecimals, divideDecimals } from '../../bson/decimal-arithmetic.ts'
import { fitsLong, intOrLong } from '../../bson/number.ts'
import { Decimal128, Int32, isNumber, type NumberValue, type Value } from '../../bson/value.ts'

const INT = 0
const LONG = 1
const DOUBLE = 2
const DECIMAL = 3

const SAFE = 2 ** 52

/** A running total with MongoDB's promotion: integers exact, doubles with compensation, decimals at 34 digits. */
export class NumberTotal {
  count = 0
  #rank = INT
  #integers = 0
  #spilled = 0n
  #doubles = 0
  #compensation = 0
  #decimals: Decimal | undefined

  add(value: Value | undefined): void {
    if (value instanceof Int32) this.#addInteger(value.value)
    else if (typeof value === 'number') {
      if (this.#rank < DOUBLE) this.#rank = DOUBLE
      this.#addDouble(value)
    } else if (typeof value === 'bigint') {
      if (this.#rank < LONG) this.#rank = LONG
      this.#spilled += value
    } else if (value instanceof Decimal128) {
      this.#rank = DECIMAL
      const parts = readDecimal(value)
      this.#decimals = this.#decimals === undefined ? parts : addDecimals(this.#decimals, parts)
    } else return
    this.count++
  }

  #addInteger(value: number): void {
    this.#integers += value
    if (this.#integers > SAFE || this.#integers < -SAFE) {
      this.#spilled += BigInt(this.#integers)
      this.#integers = 0
    }
  }

  // Knuth's two-sum keeps what rounding loses.
  #addDouble(value: number): void {
    const sum = this.#doubles + value
    const part = sum - this.#doubles
    const lost = this.#doubles - (sum - part) + (value - part)
    this.#doubles = sum
    if (Number.isFinite(lost)) this.#compensation += lost
  }

  #integer(): bigint {
    return this.#spilled + BigInt(this.#integers)
  }

  #double(): number {
    if (this.#spilled === 0n) return this.#doubles + (this.#integers + this.#compensation)
    return this.#doubles + this.#compensation + Number(this.#integer())
  }

  #decimal(): Decimal {
    let total = addDecimals(this.#decimals ?? finite(0n, 0), finite(this.#integer(), 0))
    if (this.#doubles !== 0)
      total = addDecimals(total, addDecimals(exactDouble(this.#doubles), exactDouble(this.#compensation)))
    return total
  }

  total(): NumberValue {
    if (this.#rank === DECIMAL) return writeDecimal(this.#decimal())
    if (this.#rank === DOUBLE) return this.#double()
    const integer = this.#integer()
    if (!fitsLong(integer)) return Number(integer)
    return this.#rank === LONG ? integer : intOrLong(integer)
  }

  /** The mean as a double, or a decimal when one was added; null of nothing. */
  mean(): Value {
    if (this.count === 0) return null
    if (this.#rank === DECIMAL) return writeDecimal(divideDecimals(this.#decimal(), finite(BigInt(this.count), 0)))
    return this.#double() / this.count
  }
}

/** Mean and spread in one pass (Welford). */
export class Deviation {
  #count = 0
  #mean = 0
  #squares = 0

  add(value: Value | undefined): void {
    if (!isNumber(value)) return
    const number =
      typeof value === 'number'
        ? value
        : Number(value instanceof Decimal128 ? value.toString() : value instanceof Int32 ? value.value : value)
    this.#count++
    const delta = number - this.#mean
    this.#mean += delta / this.#count
    this.#squares += delta * (number - this.#mean)
  }

  result(sample: boolean): Value {
    const divisor = sample ? this.#count - 1 : this.#count
    return divisor <= 0 ? null : Math.sqrt(this.#squares / divisor)
  }
}
