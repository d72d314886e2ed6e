import type { Document } from 'bson'
import { Double, Int32, Long } from 'bson'
import { invalidEjson } from './bad-input.ts'
import { type Entry, toObject } from './ordered-object.ts'
import { toWrappedValue } from './wrapper.ts'

/** Nesting of a request; MongoDB itself stores 100 levels, and a body adds a few around a document. */
export const maxDepth = 200

const quote = 0x22
const backslash = 0x5c
const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n

/**
 * Parses JSON text, with extended JSON in its canonical and relaxed forms anywhere in it, into values with BSON types:
 * a number without point or exponent is an `Int32`, a `Long` when it does not fit, else a `Double` (spec: Data API 3).
 * Keys keep their order: an object whose keys a JS object would reorder arrives as a `Map`, which the driver takes too.
 *
 * @throws {AppError} `BadRequest` (400) for malformed JSON, invalid wrappers, duplicate keys, keys with NUL, numbers
 *   out of range and nesting deeper than `maxDepth`
 */
export function parseEjson(text: string): unknown {
  return new Parser(text).parse()
}

/**
 * `parseEjson` for a body, which is an object.
 *
 * @throws {AppError} `BadRequest` (400) also when the text holds anything but an object
 */
export function parseEjsonDocument(text: string): Document {
  const value = parseEjson(text)
  if (value instanceof Map) return value
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    throw invalidEjson('expected an object')
  }
  return value
}

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): unknown {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected()
    return value
  }

  #value(): unknown {
    this.#skipSpace()
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b:
        return this.#object()
      case 0x5b:
        return this.#array()
      case quote:
        return this.#string()
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(): unknown {
    this.#enter()
    const entries: Entry[] = []
    const keys = new Set<string>()
    if (!this.#take('}')) {
      do {
        this.#skipSpace()
        if (this.#text.charCodeAt(this.#at) !== quote) throw this.#unexpected()
        const key = this.#string()
        if (key.includes('\0')) throw invalidEjson('a key holds a NUL character')
        if (keys.has(key)) throw invalidEjson(`duplicate key ${JSON.stringify(key.slice(0, 100))}`)
        keys.add(key)
        if (!this.#take(':')) throw this.#unexpected()
        entries.push([key, this.#value()])
      } while (this.#take(','))
      if (!this.#take('}')) throw this.#unexpected()
    }
    this.#depth--
    const wrapped = entries[0]?.[0].startsWith('$') ? toWrappedValue(entries) : undefined
    return wrapped === undefined ? toObject(entries) : wrapped
  }

  #array(): unknown[] {
    this.#enter()
    const items: unknown[] = []
    if (!this.#take(']')) {
      do items.push(this.#value())
      while (this.#take(','))
      if (!this.#take(']')) throw this.#unexpected()
    }
    this.#depth--
    return items
  }

  #string(): string {
    const start = ++this.#at
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === quote) return this.#text.slice(start, this.#at++)
      if (code === backslash) return this.#escapedString(start)
      if (!(code >= 0x20)) throw this.#unexpected()
      this.#at++
    }
  }

  #escapedString(start: number): string {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === quote) break
      if (!(code >= 0x20)) throw this.#unexpected()
      this.#at += code === backslash ? 2 : 1
    }
    const literal = this.#text.slice(start - 1, ++this.#at)
    try {
      return JSON.parse(literal)
    } catch {
      throw invalidEjson('bad escape in a string')
    }
  }

  #number(): Int32 | Long | Double {
    numberPattern.lastIndex = this.#at
    const match = numberPattern.exec(this.#text)
    if (!match) throw this.#unexpected()
    const [literal, fractionOrExponent] = match
    this.#at += literal.length
    if (fractionOrExponent) return toDouble(literal)
    const value = Number(literal)
    if (value === (value | 0)) return new Int32(value)
    if (literal.length > 20) return toDouble(literal)
    const integer = BigInt(literal)
    return integer < minInt64 || integer > maxInt64 ? toDouble(literal) : Long.fromBigInt(integer)
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected()
    this.#at += word.length
    return value
  }

  #enter(): void {
    this.#at++
    if (++this.#depth > maxDepth) throw invalidEjson(`nested deeper than ${maxDepth} levels`)
  }

  /** Takes one character after white space, if it is there. */
  #take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #unexpected(): Error {
    return invalidEjson(
      this.#at < this.#text.length ? `unexpected character at position ${this.#at}` : 'unexpected end of JSON input',
    )
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)((?:\.\d+)?(?:[eE][+-]?\d+)?)/y

function toDouble(literal: string): Double {
  const value = Number(literal)
  if (!Number.isFinite(value)) throw invalidEjson('number out of range')
  return new Double(value)
}
