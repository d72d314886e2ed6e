import { BSON, Decimal128 } from 'bson'
import { OBJECT_ID_PREFIX } from './generate/value.ts'

/** One element of a document as it lies in the bytes. */
interface Element {
  readonly type: number
  readonly name: string
  readonly at: number
  readonly length: number
}

function elements(bytes: Uint8Array, start = 0): Element[] {
  const found: Element[] = []
  for (const [type, nameAt, nameLength, at, length] of BSON.onDemand.parseToElements(bytes, start)) {
    found.push({ type, name: Buffer.from(bytes.subarray(nameAt, nameAt + nameLength)).toString(), at, length })
  }
  return found
}

/** The bytes of a field that holds a document or an array, along a path of names; undefined when there is none. */
export function field(bytes: Uint8Array, ...path: string[]): Uint8Array | undefined {
  let current = bytes
  for (const name of path) {
    const element = elements(current).find((candidate) => candidate.name === name)
    if (!element || (element.type !== 3 && element.type !== 4)) return undefined
    current = current.subarray(element.at, element.at + element.length)
  }
  return current
}

/** The elements of an array, each written as {@link describe} does. */
export function describeElements(array: Uint8Array): string[] {
  return elements(array).map((element) => describeElement(array, element))
}

/**
 * A document as text that tells every type, every value and the order of keys: two documents have one text exactly when
 * they have the same bytes, but for what a server made up itself (object ids, the present time), which reads alike.
 */
export function describe(bytes: Uint8Array): string {
  return `{${elements(bytes)
    .map((element) => `${JSON.stringify(element.name)}: ${describeElement(bytes, element)}`)
    .join(', ')}}`
}

/** What the driver left of an array in a raw reply: its documents as bytes, its scalars as BSON classes. */
export function describeValues(values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (value instanceof Uint8Array) return describe(value)
    if (Array.isArray(value)) return `[${describeValues(value).join(', ')}]`
    return describe(BSON.serialize({ value }, { ignoreUndefined: false })).slice('{"value": '.length, -1)
  })
}

/** Stored and generated dates lie before this one. */
const NOW_STARTS_MS = Date.UTC(2025, 0)
const NOW_ENDS_MS = Date.UTC(2100, 0)

function describeElement(bytes: Uint8Array, { type, at, length }: Element): string {
  const value = bytes.subarray(at, at + length)
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  switch (type) {
    case 1:
      return `double(${double(view.getFloat64(0, true))})`
    case 2:
      return JSON.stringify(text(value))
    case 3:
      return describe(value)
    case 4:
      return `[${describeElements(value).join(', ')}]`
    case 6:
      return 'undefined'
    case 7: {
      const hex = Buffer.from(value).toString('hex')
      return hex.startsWith(OBJECT_ID_PREFIX) ? `objectId(${hex})` : 'objectId(made by the server)'
    }
    case 8:
      return value[0] === 1 ? 'true' : 'false'
    case 9: {
      const ms = Number(view.getBigInt64(0, true))
      return ms > NOW_STARTS_MS && ms < NOW_ENDS_MS ? 'date(now)' : `date(${ms})`
    }
    case 10:
      return 'null'
    case 16:
      return `int(${view.getInt32(0, true)})`
    case 17:
      return `timestamp(${view.getUint32(4, true)}, ${view.getUint32(0, true)})`
    case 18:
      return `long(${view.getBigInt64(0, true)})`
    case 19:
      return `decimal(${new Decimal128(value).toString()})`
    case 127:
      return 'maxKey'
    case 255:
      return 'minKey'
    default:
      return `type${type}(${Buffer.from(value).toString('hex')})`
  }
}

function text(value: Uint8Array): string {
  return Buffer.from(value.subarray(4, -1)).toString()
}

function double(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
