import { exactInteger, toDouble } from '../../bson/number.ts'
import { type Doc, isDoc, isNumber, type NumberValue, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'

/** Typed reading of a command's fields, with the texts MongoDB's own parser uses. */
export class Fields {
  readonly #doc: Doc
  readonly #command: string

  constructor(doc: Doc, command: string) {
    this.#doc = doc
    this.#command = command
  }

  get doc(): Doc {
    return this.#doc
  }

  #wrong(name: string, value: Value, expected: string): DatabaseError {
    return new DatabaseError(
      14,
      `BSON field '${this.#command}.${name}' is the wrong type '${typeName(value)}', expected type '${expected}'`,
    )
  }

  #missing(name: string): DatabaseError {
    return new DatabaseError(40414, `BSON field '${this.#command}.${name}' is missing but a required field`)
  }

  /** @throws {DatabaseError} 40415 for a field that is none of these */
  only(known: ReadonlySet<string>): void {
    for (const name of this.#doc.keys()) {
      if (!known.has(name)) throw new DatabaseError(40415, `BSON field '${this.#command}.${name}' is an unknown field.`)
    }
  }

  raw(name: string): Value | undefined {
    const value = this.#doc.get(name)
    return value === null ? undefined : value
  }

  string(name: string): string | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.#wrong(name, value, 'string')
  }

  requiredString(name: string): string {
    const value = this.string(name)
    if (value === undefined) throw this.#missing(name)
    return value
  }

  document(name: string): Doc | undefined {
    const value = this.raw(name)
    if (value === undefined || isDoc(value)) return value
    throw this.#wrong(name, value, 'object')
  }

  requiredDocument(name: string): Doc {
    const value = this.document(name)
    if (value === undefined) throw this.#missing(name)
    return value
  }

  array(name: string): Value[] | undefined {
    const value = this.raw(name)
    if (value === undefined || Array.isArray(value)) return value
    throw this.#wrong(name, value, 'array')
  }

  documents(name: string): Doc[] | undefined {
    return this.array(name)?.map((item, index) => {
      if (isDoc(item)) return item
      throw this.#wrong(`${name}.${index}`, item, 'object')
    })
  }

  boolean(name: string): boolean | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'boolean') return value
    if (isNumber(value)) return toDouble(value) !== 0
    throw this.#wrong(name, value, 'bool')
  }

  /** A number of any numeric type, its fraction cut off; NaN is 0, and what no long can hold is the nearest one. */
  integer(name: string, minimum = 0): number | undefined {
    const value = this.raw(name)
    if (value === undefined) return undefined
    if (!isNumber(value)) throw this.#wrong(name, value, 'long')
    const number = asSafeLong(value)
    if (number < minimum) {
      throw new DatabaseError(51024, `BSON field '${name}' value must be >= ${minimum}, actual value '${number}'`)
    }
    return number
  }

  bigint(name: string): bigint | undefined {
    const value = this.raw(name)
    if (value === undefined) return undefined
    if (!isNumber(value)) throw this.#wrong(name, value, 'long')
    return exactInteger(value) ?? 0n
  }
}

const maxLong = 2 ** 63

function asSafeLong(value: NumberValue): number {
  const number = Number(exactInteger(value) ?? Math.trunc(toDouble(value)))
  return Number.isNaN(number) ? 0 : Math.min(Math.max(number, -maxLong), maxLong)
}

/** True as MongoDB reads flags: true, or a number other than 0. */
export function truthy(value: Value | undefined): boolean {
  if (value === true) return true
  return isNumber(value) && toDouble(value) !== 0
}
