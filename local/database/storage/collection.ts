import { type Collation, compareValues } from '../bson/compare.ts'
import { TYPE_BYTE, TYPE_ORDER } from '../bson/types.ts'
import { Binary, type Doc, int, isDoc, isNumber, ObjectId, type Value } from '../bson/value.ts'
import { createCollation } from '../engine/collation.ts'
import { compileFilter } from '../engine/match/filter.ts'
import { DatabaseError } from '../errors.ts'
import { Index, type IndexKey } from './index.ts'
import { type IndexSpec, parseIndexSpec } from './index-spec.ts'
import { keyString } from './key-string.ts'
import { assertSound, findElement, rawElements, skipValue } from './raw-document.ts'
import { decodeStored, Record } from './record.ts'
import type { StoredBytes } from './slab.ts'
import type { Transaction } from './transaction.ts'

const NO_QUERY_STATE = { now: new Date(0), random: () => 0 }

/** The documents of one namespace and their indexes. Changes here are final: staging is the transaction's affair. */
export class Collection {
  db: string
  name: string
  readonly uuid: Binary
  /** As `listCollections` shows them. */
  options: Doc
  readonly records = new Map<number, Record>()
  /** By the key string of `_id`. */
  readonly byId = new Map<string, Record>()
  readonly indexes = new Map<string, Index>()
  /** Records that a transaction has written and not yet committed. */
  readonly locks = new Map<number, Transaction>()
  nextRecordId = 1
  /** Sum of the documents' sizes. */
  bytes = 0
  collation: Collation | undefined
  /** The transaction that made it and has not committed yet. */
  creator: Transaction | undefined
  /** Gone: what still holds this object must not write to it. */
  dropped = false

  constructor(db: string, name: string, uuid: Binary, options: Doc) {
    this.db = db
    this.name = name
    this.uuid = uuid
    this.options = options
    this.collation = createCollation(docOption(options, 'collation'))
    this.addIndex(idIndexSpec(options))
  }

  get namespace(): string {
    return `${this.db}.${this.name}`
  }

  get capped(): boolean {
    return this.options.get('capped') === true
  }

  get preImages(): boolean {
    return docOption(this.options, 'changeStreamPreAndPostImages')?.get('enabled') === true
  }

  get idIndex(): Index {
    return this.indexes.get('_id_')!
  }

  addIndex(spec: IndexSpec): Index {
    const covers = spec.partialFilter
      ? compileFilter(spec.partialFilter, {
          ...NO_QUERY_STATE,
          ...(spec.collation ? { collation: createCollation(spec.collation)! } : {}),
        })
      : () => true
    const index = new Index(spec, this.records.values(), covers, createCollation(spec.collation))
    if (spec.name === '_id_') index.readKeysFrom(this.byId)
    this.indexes.set(spec.name, index)
    return index
  }

  idKey(id: Value): string {
    return keyString(id, this.collation)
  }

  findById(id: Value): Record | undefined {
    return this.byId.get(this.idKey(id))
  }

  insert(recordId: number, stored: StoredBytes, document?: Doc): Record {
    const record = new Record(recordId, stored)
    if (recordId >= this.nextRecordId) this.nextRecordId = recordId + 1
    const idKey = rawIdKey(stored, this.collation)
    let decoded = document
    for (const index of this.indexes.values()) {
      if (index.pending) continue
      if (index.spec.name === '_id_') {
        index.addKey(idKey, record)
        continue
      }
      decoded ??= decodeStored(stored)
      index.add(record, index.keysOf(decoded))
    }
    this.records.set(recordId, record)
    this.byId.set(idKey, record)
    this.bytes += stored.length
    if (this.capped) this.#trim()
    return record
  }

  update(record: Record, stored: StoredBytes, before?: Doc, after?: Doc): void {
    let old = before
    let fresh = after
    for (const index of this.indexes.values()) {
      if (index.pending || index.spec.name === '_id_') continue
      old ??= decodeStored(record.current)
      fresh ??= decodeStored(stored)
      replaceKeys(index, record, index.keysOf(old), index.keysOf(fresh))
    }
    this.bytes += stored.length - record.current.length
    record.current = stored
  }

  remove(record: Record, before?: Doc): void {
    const idKey = rawIdKey(record.current, this.collation)
    let old = before
    for (const index of this.indexes.values()) {
      if (index.pending) continue
      if (index.spec.name === '_id_') {
        index.removeKey(idKey, record)
        continue
      }
      old ??= decodeStored(record.current)
      index.remove(record, index.keysOf(old))
    }
    this.records.delete(record.id)
    this.byId.delete(idKey)
    this.bytes -= record.current.length
  }

  /** A capped collection loses its oldest documents, of which nobody is told. */
  #trim(): void {
    const size = numberOption(this.options, 'size') ?? Number.POSITIVE_INFINITY
    const max = numberOption(this.options, 'max') ?? Number.POSITIVE_INFINITY
    for (const record of this.records.values()) {
      if (this.bytes <= size && this.records.size <= max) return
      this.remove(record)
    }
  }
}

function docOption(options: Doc, name: string): Doc | undefined {
  const value = options.get(name)
  return isDoc(value) ? value : undefined
}

function idIndexSpec(options: Doc): IndexSpec {
  const clustered = docOption(options, 'clusteredIndex')
  const description: Doc = new Map<string, Value>([
    ['key', new Map([['_id', int(1)]])],
    ['name', '_id_'],
  ])
  return parseIndexSpec(description, clustered ? undefined : docOption(options, 'collation'))
}

function replaceKeys(index: Index, record: Record, before: readonly IndexKey[], after: readonly IndexKey[]): void {
  if (before.length === after.length && before.every(({ key }, at) => key === after[at]!.key)) return
  const kept = new Set(after.map(({ key }) => key))
  const had = new Set(before.map(({ key }) => key))
  index.remove(
    record,
    before.filter(({ key }) => !kept.has(key)),
  )
  index.add(
    record,
    after.filter(({ key }) => !had.has(key)),
  )
}

const objectIdKey = Buffer.from([TYPE_ORDER.objectId, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

/** The key string of a stored document's `_id`, without decoding the rest. */
export function rawIdKey(stored: StoredBytes, collation: Collation | undefined): string {
  const { slab, start } = stored
  // `_id` stands first in every stored document: its type byte, then "_id\0".
  if (slab[start + 4] === TYPE_BYTE.objectId) {
    for (let byte = 0; byte < 12; byte++) objectIdKey[byte + 1] = slab[start + 9 + byte]!
    return objectIdKey.toString('latin1')
  }
  return keyString(rawId(stored), collation)
}

/** The `_id` of a stored document, without decoding the rest. */
export function rawId(stored: StoredBytes): Value {
  const { slab, start } = stored
  const type = slab[start + 4]!
  const value = start + 9
  if (type === TYPE_BYTE.objectId) return new ObjectId(Uint8Array.prototype.slice.call(slab, value, value + 12))
  const end = skipValue(slab, type, value)
  const alone = Buffer.alloc(end - start + 1)
  slab.copy(alone, 4, start + 4, end)
  alone.writeInt32LE(alone.length, 0)
  return decodeStored({ slab: alone, start: 0 } as StoredBytes).get('_id')!
}

/**
 * A document's bytes with `_id` in first place, made when there is none.
 *
 * @throws {DatabaseError} 53 InvalidIdField, 10334 BSONObjectTooLarge, 22 InvalidBSON
 */
export function withId(document: Uint8Array): Uint8Array {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength)
  if (bytes.length > MAX_DOCUMENT_BYTES) throw tooLarge(bytes.length)
  assertSound(bytes, 0, bytes.length)
  if (startsWithId(bytes)) {
    checkId(bytes[4]!, bytes, 9)
    return bytes
  }
  const id = findElement(bytes, '_id')
  if (id) checkId(id.type, bytes, id.value)
  const idBytes = id ? bytes.subarray(id.start, id.end) : Buffer.concat([ID_HEAD, new ObjectId().id])
  const rest = id
    ? [bytes.subarray(4, id.start), bytes.subarray(id.end, bytes.length)]
    : [bytes.subarray(4, bytes.length)]
  const whole = Buffer.concat([Buffer.alloc(4), idBytes, ...rest])
  whole.writeInt32LE(whole.length, 0)
  return whole
}

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
const ID_HEAD = Buffer.from([TYPE_BYTE.objectId, 0x5f, 0x69, 0x64, 0x00])

export function tooLarge(size: number): DatabaseError {
  return new DatabaseError(10334, `object to insert too large. size in bytes: ${size}, max size: ${MAX_DOCUMENT_BYTES}`)
}

function startsWithId(bytes: Buffer): boolean {
  return bytes[5] === 0x5f && bytes[6] === 0x69 && bytes[7] === 0x64 && bytes[8] === 0 && bytes.length > 9
}

function checkId(type: number, bytes: Buffer, value: number): void {
  if (type === TYPE_BYTE.array) throw new DatabaseError(53, "The '_id' value cannot be of type array")
  if (type === TYPE_BYTE.regex) throw new DatabaseError(53, "The '_id' value cannot be of type regex")
  if (type === TYPE_BYTE.undefined) throw new DatabaseError(53, "The '_id' value cannot be of type undefined")
  if (type !== TYPE_BYTE.object) return
  for (const { name } of rawElements(bytes, value)) {
    if (name.startsWith('$')) {
      throw new DatabaseError(52, `_id fields may not contain '$'-prefixed fields: ${name} is not valid for storage.`)
    }
    return
  }
}

/** The two `_id`s are the same value, of whatever numeric type. */
export function sameId(a: Value | undefined, b: Value | undefined): boolean {
  return compareValues(a, b) === 0
}

export function numberOption(options: Doc, name: string): number | undefined {
  const value = options.get(name)
  return isNumber(value) ? Number(value instanceof Object ? value.valueOf() : value) : undefined
}

/** A new collection's UUID. */
export function newUuid(): Binary {
  return new Binary(Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex'), Binary.SUBTYPE_UUID)
}
