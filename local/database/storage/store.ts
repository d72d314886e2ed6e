import { encodeDocument } from '../bson/codec.ts'
import { printValue } from '../bson/print.ts'
import { type Binary, type Doc, isDoc, type Value } from '../bson/value.ts'
import type { CatalogChange, CatalogChangeKind, Change, DocumentChange, DocumentChangeKind } from '../changes/change.ts'
import { ChangeLog } from '../changes/change-log.ts'
import { DatabaseError } from '../errors.ts'
import { LogicalClock } from './clock.ts'
import { Collection, newUuid, rawIdKey, tooLarge } from './collection.ts'
import type { Index } from './index.ts'
import { parseIndexSpec } from './index-spec.ts'
import { assertDatabaseName, assertWritableName } from './namespace.ts'
import { Overlay } from './overlay.ts'
import { ReadView } from './read-view.ts'
import { decodeStored, type Record } from './record.ts'
import { type StoredBytes, storeBytes } from './slab.ts'
import { type Transaction, WriteBlocked, writeConflict } from './transaction.ts'
import { compileValidator, type Validator, validationFailure } from './validator.ts'

/** What a retryable write has done, kept so that doing it again answers the same. */
export interface RetryRecord {
  readonly session: string
  readonly txnNumber: bigint
  readonly statement: number
  /** What the statement answers: counts, or the document that findAndModify gave. */
  readonly outcome: Doc
}

/** The `statement` that stands for the commit of a whole transaction. */
export const COMMIT_STATEMENT = -1

/** Where one write belongs. */
export interface WriteContext {
  readonly transaction?: Transaction
  readonly bypassValidation?: boolean
  /** Given with the write to the journal, so that both survive or neither. */
  readonly retry?: RetryRecord
}

/** What keeps the changes beyond the process. */
export interface ChangeSink {
  /** One atomic group. */
  append(changes: readonly Change[], retry: RetryRecord | undefined): void
  /** Resolves when everything appended so far is on disk. */
  flushed(): Promise<void>
}

const MAX_STORED_BYTES = 16 * 1024 * 1024 + 16 * 1024

/** All databases of this server, their change log, and the only place that changes them. */
export class Store {
  readonly clock: LogicalClock
  readonly log = new ChangeLog()
  readonly databases = new Map<string, Map<string, Collection>>()
  sink: ChangeSink | undefined
  readonly #validators = new WeakMap<Collection, { source: Value | undefined; validator: Validator | undefined }>()

  constructor(now: () => Date = () => new Date()) {
    this.clock = new LogicalClock(now)
    this.log.startAt(this.clock.last - 1)
  }

  /** The collection of this name; one that a transaction has made is there for it alone until it commits. */
  find(db: string, name: string, transaction?: Transaction): Collection | undefined {
    const collection = this.databases.get(db)?.get(name)
    return collection?.creator === undefined || collection.creator === transaction ? collection : undefined
  }

  *collections(db: string): Iterable<Collection> {
    for (const collection of this.databases.get(db)?.values() ?? []) {
      if (collection.creator === undefined) yield collection
    }
  }

  /** The collection as seen now, or by the transaction. */
  view(collection: Collection | undefined, transaction?: Transaction): ReadView {
    if (collection === undefined || transaction === undefined) return new ReadView(collection)
    return new ReadView(collection, transaction.overlay(collection))
  }

  /** The collection as it was at a cluster time. @throws {DatabaseError} 239 SnapshotTooOld */
  viewAt(collection: Collection | undefined, time: number): ReadView {
    return new ReadView(collection, collection && new Overlay(collection, this.log, time))
  }

  /** Makes an absent collection, as a first insert does. */
  ensure(db: string, name: string, context: WriteContext): Collection {
    return this.find(db, name, context.transaction) ?? this.create(db, name, new Map(), context.transaction)
  }

  // --- documents

  /** @param document with `_id` first @throws {DatabaseError} 11000, 121, 171, 112; {WriteBlocked} */
  insert(collection: Collection, document: Uint8Array, context: WriteContext, decoded?: Doc): void {
    const stored = storeBytes(document)
    let fields = decoded
    const decode = (): Doc => {
      fields ??= decodeStored(stored)
      return fields
    }
    this.#validate(collection, decode, undefined, context)
    const recordId = collection.nextRecordId
    const { transaction } = context
    const idKey = rawIdKey(stored, collection.collation)
    this.#checkUnique(collection, collection.idIndex, idKey, recordId, decode, transaction)
    const reserved: { index: Index; key: string }[] = [{ index: collection.idIndex, key: idKey }]
    for (const index of collection.indexes.values()) {
      if (index === collection.idIndex) continue
      index.build()
      const keys = index.keysOf(decode())
      if (!index.spec.unique && !index.spec.prepareUnique) continue
      for (const { key } of keys) {
        this.#checkUnique(collection, index, key, recordId, decode, transaction)
        reserved.push({ index, key })
      }
    }
    collection.nextRecordId++
    if (transaction) {
      transaction.stage({ collection, kind: 'insert', recordId, before: undefined, after: stored })
      for (const { index, key } of reserved) transaction.reserve(index, key, recordId)
      return
    }
    collection.insert(recordId, stored, fields)
    this.#logDocument(collection, 'insert', recordId, undefined, stored, context)
  }

  /**
   * Stores a new version of a document.
   *
   * @param target as the writer sees it @throws {DatabaseError} 11000, 121, 171, 112; {WriteBlocked}
   */
  update(
    collection: Collection,
    target: Record,
    kind: 'update' | 'replace',
    before: Doc,
    after: Doc,
    context: WriteContext,
  ): void {
    const bytes = encodeDocument(after)
    if (bytes.length > MAX_STORED_BYTES) throw tooLarge(bytes.length)
    const { transaction } = context
    this.assertWritable(collection, target.id, transaction)
    this.#validate(collection, () => after, before, context)
    const reserved: { index: Index; key: string }[] = []
    for (const index of collection.indexes.values()) {
      if (index === collection.idIndex) continue
      index.build()
      const keys = index.keysOf(after)
      if (!index.spec.unique && !index.spec.prepareUnique) continue
      for (const { key } of keys) {
        this.#checkUnique(collection, index, key, target.id, () => after, transaction)
        reserved.push({ index, key })
      }
    }
    const stored = storeBytes(bytes)
    if (transaction) {
      transaction.stage({ collection, kind, recordId: target.id, before: target.current, after: stored })
      for (const { index, key } of reserved) transaction.reserve(index, key, target.id)
      return
    }
    const previous = target.current
    collection.update(target, stored, before, after)
    this.#logDocument(collection, kind, target.id, previous, stored, context)
  }

  /** @throws {DatabaseError} 112; {WriteBlocked} */
  remove(collection: Collection, target: Record, context: WriteContext): void {
    const { transaction } = context
    this.assertWritable(collection, target.id, transaction)
    if (transaction) {
      transaction.stage({
        collection,
        kind: 'delete',
        recordId: target.id,
        before: target.current,
        after: undefined,
      })
      return
    }
    collection.remove(target)
    this.#logDocument(collection, 'delete', target.id, target.current, undefined, context)
  }

  /** @throws {WriteBlocked} when another transaction holds the record {DatabaseError} 112 within a transaction */
  assertWritable(collection: Collection, recordId: number, transaction: Transaction | undefined): void {
    const holder = collection.locks.get(recordId)
    if (transaction) {
      const overlay = transaction.overlay(collection)
      overlay.catchUp()
      if ((holder && holder !== transaction) || overlay.changedSince(recordId)) throw writeConflict()
    } else if (holder) throw new WriteBlocked(holder)
  }

  #validate(collection: Collection, decode: () => Doc, before: Doc | undefined, context: WriteContext): void {
    const source = collection.options.get('validator')
    if (source === undefined || context.bypassValidation) return
    let known = this.#validators.get(collection)
    if (!known || known.source !== source) {
      known = { source, validator: isDoc(source) ? compileValidator(source) : undefined }
      this.#validators.set(collection, known)
    }
    const level = collection.options.get('validationLevel') ?? 'strict'
    if (!known.validator || level === 'off') return
    const details = known.validator.check(decode())
    if (details === null) return
    if (level === 'moderate' && before && known.validator.check(before) !== null) return
    if (collection.options.get('validationAction') === 'warn') return
    throw validationFailure(decode(), details)
  }

  #checkUnique(
    collection: Collection,
    index: Index,
    key: string,
    recordId: number,
    decode: () => Doc,
    transaction: Transaction | undefined,
  ): void {
    const reservation = index.reservations.get(key)
    if (reservation) {
      if (reservation.owner !== transaction) {
        if (transaction) throw writeConflict()
        throw new WriteBlocked(reservation.owner as Transaction)
      }
      const still = transaction?.overlay(collection).own.get(reservation.recordId)
      if (reservation.recordId !== recordId && still) throw duplicateKey(collection, index, key, decode())
    }
    for (const holder of holders(collection, index, key)) {
      if (holder.id === recordId) continue
      if (transaction) {
        const overlay = transaction.overlay(collection)
        overlay.catchUp()
        if (overlay.own.has(holder.id)) continue
        if (overlay.get(holder.id) === null) throw writeConflict()
      } else {
        const lock = collection.locks.get(holder.id)
        if (lock) throw new WriteBlocked(lock)
      }
      throw duplicateKey(collection, index, key, decode())
    }
  }

  #logDocument(
    collection: Collection,
    kind: DocumentChangeKind,
    recordId: number,
    before: StoredBytes | undefined,
    after: StoredBytes | undefined,
    context: WriteContext,
  ): void {
    const change: DocumentChange = {
      kind,
      time: this.clock.tick(),
      position: 0,
      wallTime: this.clock.now().getTime(),
      db: collection.db,
      collection: collection.name,
      uuid: collection.uuid,
      recordId,
      before,
      after,
      preImages: collection.preImages,
    }
    this.log.append(change)
    this.sink?.append([change], context.retry)
  }

  // --- transactions

  /** Makes a transaction's writes visible, all at one time. */
  commit(transaction: Transaction): void {
    for (const collection of transaction.created) collection.creator = undefined
    const changes: Change[] = transaction.definitions.map((change) => ({ ...change, time: this.clock.tick() }))
    const time = this.clock.tick()
    const wallTime = this.clock.now().getTime()
    for (const [position, write] of transaction.writes.entries()) {
      const { collection, recordId } = write
      const record = collection.records.get(recordId)
      if (write.kind === 'insert') collection.insert(recordId, write.after!)
      else if (record && write.after) collection.update(record, write.after)
      else if (record) collection.remove(record)
      changes.push({
        kind: write.kind,
        time,
        position,
        wallTime,
        db: collection.db,
        collection: collection.name,
        uuid: collection.uuid,
        recordId,
        before: write.before,
        after: write.after,
        preImages: collection.preImages,
        transaction: transaction.origin,
      })
    }
    const commit = { ...transaction.origin, statement: COMMIT_STATEMENT, outcome: new Map() }
    if (changes.length > 0) this.#tell(changes, commit)
    transaction.release()
  }

  abort(transaction: Transaction): void {
    transaction.release()
    for (const collection of transaction.created) {
      collection.dropped = true
      const collections = this.databases.get(collection.db)
      collections?.delete(collection.name)
      if (collections?.size === 0) this.databases.delete(collection.db)
    }
  }

  #tell(changes: readonly Change[], retry?: RetryRecord): void {
    for (const change of changes) this.log.append(change)
    this.sink?.append(changes, retry)
  }

  // --- catalog

  /** @throws {DatabaseError} 48 NamespaceExists, 73 InvalidNamespace, 72 InvalidOptions */
  create(db: string, name: string, options: Doc, transaction?: Transaction): Collection {
    assertDatabaseName(db)
    assertWritableName(db, name)
    for (const existing of this.databases.keys()) {
      if (existing !== db && existing.toLowerCase() === db.toLowerCase()) {
        throw new DatabaseError(
          13297,
          `db already exists with different case already have: [${existing}] trying to create [${db}]`,
        )
      }
    }
    const hidden = this.databases.get(db)?.get(name)?.creator
    if (hidden && hidden !== transaction) {
      if (transaction) throw writeConflict()
      throw new WriteBlocked(hidden)
    }
    if (this.find(db, name, transaction)) throw new DatabaseError(48, `Collection ${db}.${name} already exists.`)
    const validator = options.get('validator')
    if (isDoc(validator)) compileValidator(validator)
    const uuid = newUuid()
    this.#changeCatalog('create', db, name, uuid, new Map([['options', options]]), transaction)
    const collection = this.databases.get(db)!.get(name)!
    if (transaction) {
      collection.creator = transaction
      transaction.created.push(collection)
    }
    return collection
  }

  drop(collection: Collection): void {
    this.#changeCatalog('drop', collection.db, collection.name, collection.uuid, new Map())
  }

  dropDatabase(db: string): void {
    if (!this.databases.has(db)) return
    for (const collection of [...this.collections(db)]) this.drop(collection)
    this.#changeCatalog('dropDatabase', db, '', newUuid(), new Map())
  }

  rename(collection: Collection, db: string, name: string): void {
    const target = this.find(db, name)
    const details: Doc = new Map<string, Value>([
      [
        'to',
        new Map([
          ['db', db],
          ['coll', name],
        ]),
      ],
    ])
    if (target) details.set('dropTarget', target.uuid)
    this.#changeCatalog('rename', collection.db, collection.name, collection.uuid, details)
  }

  /** @throws {DatabaseError} 11000 when a unique index does not fit the documents, 171 */
  createIndexes(collection: Collection, descriptions: readonly Doc[], transaction?: Transaction): void {
    const added: string[] = []
    try {
      for (const description of descriptions) {
        const spec = parseIndexSpec(description)
        added.push(spec.name)
        assertFits(collection, collection.addIndex(spec))
      }
    } catch (error) {
      for (const name of added) collection.indexes.delete(name)
      throw error
    }
    this.#changeCatalog(
      'createIndexes',
      collection.db,
      collection.name,
      collection.uuid,
      new Map([['indexes', [...descriptions]]]),
      transaction,
    )
  }

  dropIndexes(collection: Collection, names: readonly string[]): void {
    for (const name of names) {
      const index = collection.indexes.get(name)
      if (!index) continue
      this.#changeCatalog(
        'dropIndexes',
        collection.db,
        collection.name,
        collection.uuid,
        new Map([['indexes', [index.spec.description]]]),
      )
    }
  }

  /** @param details `options`: all options as they are from now on; `index`: one index's new description */
  modify(collection: Collection, details: Doc): void {
    this.#changeCatalog('modify', collection.db, collection.name, collection.uuid, details)
  }

  #changeCatalog(
    kind: CatalogChangeKind,
    db: string,
    name: string,
    uuid: Binary,
    details: Doc,
    transaction?: Transaction,
  ): void {
    const change: CatalogChange = {
      kind,
      time: this.clock.tick(),
      position: 0,
      wallTime: this.clock.now().getTime(),
      db,
      collection: name,
      uuid,
      details,
    }
    this.applyCatalogChange(change)
    if (transaction) transaction.definitions.push(change)
    else this.#tell([change])
  }

  /** Does what the change says; also how a journal is read back. */
  applyCatalogChange(change: CatalogChange): void {
    const { db, collection: name, details } = change
    const collections = this.databases.get(db)
    const collection = collections?.get(name)
    switch (change.kind) {
      case 'create': {
        const options = details.get('options')
        const created = new Collection(db, name, change.uuid, isDoc(options) ? options : new Map())
        if (collections) collections.set(name, created)
        else this.databases.set(db, new Map([[name, created]]))
        return
      }
      case 'drop':
        if (collection) collection.dropped = true
        collections?.delete(name)
        if (collections?.size === 0) this.databases.delete(db)
        return
      case 'dropDatabase':
        this.databases.delete(db)
        return
      case 'rename':
        if (collection) this.#applyRename(collection, details)
        return
      case 'createIndexes':
        if (!collection) return
        for (const description of docs(details.get('indexes'))) {
          const spec = parseIndexSpec(description)
          if (!collection.indexes.has(spec.name)) collection.addIndex(spec)
        }
        return
      case 'dropIndexes':
        for (const description of docs(details.get('indexes')))
          collection?.indexes.delete(String(description.get('name')))
        return
      case 'modify': {
        if (!collection) return
        const options = details.get('options')
        if (isDoc(options)) collection.options = options
        const index = details.get('index')
        if (isDoc(index)) collection.addIndex(parseIndexSpec(index))
        return
      }
    }
  }

  #applyRename(collection: Collection, details: Doc): void {
    const to = details.get('to') as Doc
    const db = String(to.get('db'))
    const name = String(to.get('coll'))
    const target = this.find(db, name)
    if (target) target.dropped = true
    const from = this.databases.get(collection.db)!
    from.delete(collection.name)
    if (from.size === 0) this.databases.delete(collection.db)
    collection.db = db
    collection.name = name
    const collections = this.databases.get(db)
    if (collections) collections.set(name, collection)
    else this.databases.set(db, new Map([[name, collection]]))
  }
}

function docs(value: Value | undefined): Doc[] {
  return Array.isArray(value) ? value.filter(isDoc) : []
}

function* holders(collection: Collection, index: Index, key: string): Iterable<Record> {
  if (index === collection.idIndex) {
    const holder = collection.byId.get(key)
    if (holder) yield holder
  } else yield* index.tree.all(key)
}

function firstDuplicate(index: Index): { key: string; record: Record } | undefined {
  if (!index.spec.unique || index.spec.name === '_id_') return undefined
  let previous: string | undefined
  for (const [key, record] of index.tree.scan('', undefined)) {
    if (key === previous) return { key, record }
    previous = key
  }
  return undefined
}

function assertFits(collection: Collection, index: Index): void {
  const duplicate = firstDuplicate(index)
  if (duplicate) throw duplicateKey(collection, index, duplicate.key, duplicate.record.decode())
}

/** Error 11000 as MongoDB words it. */
function duplicateKey(collection: Collection, index: Index, key: string, document: Doc): DatabaseError {
  const { spec } = index
  const values =
    index === collection.idIndex
      ? [document.get('_id')]
      : (index.keysOf(document).find((candidate) => candidate.key === key)?.values ?? [])
  const keyValue: Doc = new Map(spec.fields.map((field, at) => [field, values[at] ?? null]))
  const collation = spec.collation ? ` collation: ${printValue(spec.collation)}` : ''
  return new DatabaseError(
    11000,
    `E11000 duplicate key error collection: ${collection.namespace} index: ${spec.name}${collation} dup key: ${printValue(keyValue)}`,
    {
      extra: new Map<string, Value>([
        ['keyPattern', spec.key],
        ['keyValue', keyValue],
      ]),
    },
  )
}
