import { int, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'

/** What `getParameter` tells and nobody can change while the server runs. */
const FIXED: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['featureCompatibilityVersion', new Map([['version', '8.0']])],
  ['authenticationMechanisms', []],
  ['requireApiVersion', false],
  ['enableTestCommands', true],
  ['localLogicalSessionTimeoutMinutes', int(30)],
])

/** The server parameters that `getParameter` reads and `setParameter` changes. */
export class Parameters {
  readonly #settable = new Map<string, Value>([
    ['transactionLifetimeLimitSeconds', int(60)],
    ['ttlMonitorEnabled', true],
    ['ttlMonitorSleepSecs', int(60)],
  ])
  /** Called after each change. */
  changed: () => void = () => {}

  get transactionLifetimeMs(): number {
    return this.#seconds('transactionLifetimeLimitSeconds') * 1000
  }

  /** How often expired documents are removed; undefined: never. */
  get ttlIntervalMs(): number | undefined {
    return this.#settable.get('ttlMonitorEnabled') === true ? this.#seconds('ttlMonitorSleepSecs') * 1000 : undefined
  }

  #seconds(name: string): number {
    return Number(this.#settable.get(name)?.valueOf())
  }

  *[Symbol.iterator](): Generator<readonly [string, Value]> {
    yield* FIXED
    yield* this.#settable
  }

  /** @returns the value before @throws {DatabaseError} 72 InvalidOptions, 14 TypeMismatch, 2 BadValue */
  set(name: string, value: Value): Value {
    const before = this.#settable.get(name)
    if (before === undefined) {
      if (FIXED.has(name)) throw new DatabaseError(20, `not allowed to change [${name}] at runtime`)
      throw new DatabaseError(72, `attempted to set unrecognized parameter [${name}], use help:true to see options `)
    }
    if (typeof before === 'boolean') {
      if (typeof value !== 'boolean') throw new DatabaseError(14, `Unable to set ${name}: it must be a boolean`)
    } else {
      const seconds = isNumber(value) ? Number(value.valueOf()) : Number.NaN
      if (!Number.isInteger(seconds)) throw new DatabaseError(14, `Unable to set ${name}: it must be a whole number`)
      if (seconds < 1) {
        throw new DatabaseError(2, `Invalid value for parameter ${name}: ${seconds} is not greater than or equal to 1`)
      }
    }
    this.#settable.set(name, value)
    this.changed()
    return before
  }
}
