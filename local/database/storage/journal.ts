import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { isDoc } from '../bson/value.ts'
import type { CatalogChange, Change, DocumentChange } from '../changes/change.ts'
import type { ChangeLog } from '../changes/change-log.ts'
import type { Collection } from './collection.ts'
import {
  encodeChange,
  encodeMeta,
  encodeRetry,
  FRAME_HEAD_BYTES,
  FRAME_MAGIC,
  frame,
  isCatalogKind,
  isDocumentKind,
  type JournalEntry,
  originOf,
  RetryHistory,
  readEntries,
  type Span,
  uuidOf,
} from './journal-format.ts'
import { type StoredBytes, storeSlice } from './slab.ts'
import type { ChangeSink, RetryRecord, Store } from './store.ts'

const FILE = 'journal.bson'
const WINDOW_BYTES = 32 * 1024 * 1024
/** A journal smaller than this is never rewritten. */
const COMPACT_ABOVE_BYTES = 8 * 1024 * 1024
/** How much history a rewritten journal keeps for change streams to resume in. */
const KEPT_CHANGES = 20_000
const KEPT_BYTES = 8 * 1024 * 1024

/** The data folder cannot be used; the message says which file, where, and what to do. */
export class JournalError extends Error {}

/** The changes on disk: an append-only file that is read back at the start, and rewritten then when it has grown stale. */
export class Journal implements ChangeSink {
  readonly #file: FileHandle
  readonly #lock: string
  readonly #log: ChangeLog
  #pending: Buffer[] = []
  #appended = 0
  #synced = 0
  #waiting: { upTo: number; resolve: () => void; reject: (error: Error) => void }[] = []
  #running = false
  #failure: Error | undefined

  private constructor(file: FileHandle, lock: string, log: ChangeLog) {
    this.#file = file
    this.#lock = lock
    this.#log = log
    log.keptUpTo(log.end)
  }

  /**
   * Reads the folder's journal into the store and goes on writing it.
   *
   * @param restore hears of each retryable write that may be sent again
   * @throws {JournalError} when the folder is in use, or the journal is damaged other than at its end
   */
  static async open(folder: string, store: Store, restore: (retry: RetryRecord) => void): Promise<Journal> {
    mkdirSync(folder, { recursive: true })
    const lock = path.join(folder, 'lock')
    takeLock(lock, folder)
    try {
      const file = path.join(folder, FILE)
      const retries = new RetryHistory()
      if (existsSync(file)) {
        readJournal(file, store, retries)
        for (const retry of retries) restore(retry)
        compact(file, store, retries)
        store.clock.leap()
      } else {
        store.log.restoreHistory(store.clock.last - 1)
        writeWhole(file, (write) => write(frame([encodeMeta(store.clock.last - 1)])))
      }
      return new Journal(await open(file, 'a'), lock, store.log)
    } catch (error) {
      rmSync(lock, { force: true })
      held.delete(lock)
      throw error
    }
  }

  append(changes: readonly Change[], retry: RetryRecord | undefined): void {
    if (this.#failure) throw this.#failure
    const entries = changes.map((change) => encodeChange(change))
    if (retry) entries.push(encodeRetry(retry, changes[0]!.time))
    this.#pending.push(frame(entries))
    this.#appended++
    if (this.#running) return
    this.#running = true
    // What this turn of the event loop appends goes to disk together.
    setImmediate(() => this.#run())
  }

  flushed(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#synced === this.#appended) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ upTo: this.#appended, resolve, reject }))
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const frames = this.#pending
        const upTo = this.#appended
        const { end } = this.#log
        this.#pending = []
        await this.#file.appendFile(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
        await this.#file.datasync()
        this.#synced = upTo
        this.#log.keptUpTo(end)
        const ready = this.#waiting.filter((waiter) => waiter.upTo <= upTo)
        this.#waiting = this.#waiting.filter((waiter) => waiter.upTo > upTo)
        for (const { resolve } of ready) resolve()
      }
      this.#running = false
    } catch (error) {
      this.#failure = new JournalError(
        `the journal cannot be written: ${error instanceof Error ? error.message : error}`,
      )
      for (const { reject } of this.#waiting) reject(this.#failure)
      this.#waiting = []
    }
  }

  async close(): Promise<void> {
    await this.flushed().catch(() => {})
    await this.#file.close()
    rmSync(this.#lock, { force: true })
    held.delete(this.#lock)
  }
}

function takeLock(lock: string, folder: string): void {
  if (existsSync(lock)) {
    const holder = Number(readFileSync(lock, 'utf8'))
    if (holder !== process.pid && isAlive(holder)) {
      throw new JournalError(
        `the data folder ${folder} is in use by process ${holder}: stop it or choose another folder`,
      )
    }
    if (holder === process.pid && held.has(lock)) {
      throw new JournalError(`the data folder ${folder} is in use by this process: close it or choose another folder`)
    }
  }
  writeFileSync(lock, String(process.pid))
  held.add(lock)
}

/** Folders that this process has opened; a lock with our own id may also be left over from a former process. */
const held = new Set<string>()

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function readJournal(file: string, store: Store, retries: RetryHistory): void {
  const descriptor = openSync(file, 'r+')
  try {
    const size = fstatSync(descriptor).size
    const byUuid = new Map<string, Collection>()
    let window = Buffer.alloc(0)
    let windowAt = 0
    const need = (at: number, length: number): Buffer | undefined => {
      if (at + length > size) return undefined
      if (at < windowAt || at + length > windowAt + window.length) {
        const bytes = Buffer.allocUnsafe(Math.min(Math.max(WINDOW_BYTES, length), size - at))
        readSync(descriptor, bytes, 0, bytes.length, at)
        window = bytes
        windowAt = at
      }
      return window.subarray(at - windowAt, at - windowAt + length)
    }
    let at = 0
    while (at < size) {
      const payload = payloadAt(need, at)
      if (payload === undefined) {
        if (laterFrame(descriptor, at + 1, size)) {
          throw new JournalError(
            `the journal ${file} is damaged at byte ${at}, and whole entries follow: restore it from a copy, or cut it there to lose what follows`,
          )
        }
        ftruncateSync(descriptor, at)
        fsyncSync(descriptor)
        return
      }
      readEntries(payload, (entry) => applyEntry(entry, store, byUuid, retries))
      at += FRAME_HEAD_BYTES + payload.length
    }
  } finally {
    closeSync(descriptor)
  }
}

type Need = (at: number, length: number) => Buffer | undefined

/** The payload of the frame at `at`; `undefined` when there is no whole and sound frame. */
function payloadAt(need: Need, at: number): Buffer | undefined {
  const head = need(at, FRAME_HEAD_BYTES)
  if (head?.compare(FRAME_MAGIC, 0, 4, 0, 4) !== 0) return undefined
  const length = head.readUInt32LE(4)
  const checksum = head.readUInt32LE(8)
  const payload = need(at + FRAME_HEAD_BYTES, length)
  return payload && crc32(payload) === checksum ? payload : undefined
}

/** Whether a whole frame begins anywhere behind `from`: then what is broken is not the end. */
function laterFrame(descriptor: number, from: number, size: number): boolean {
  const rest = Buffer.allocUnsafe(Math.max(0, size - from))
  readSync(descriptor, rest, 0, rest.length, from)
  const need: Need = (at, length) => (at + length <= rest.length ? rest.subarray(at, at + length) : undefined)
  for (let at = rest.indexOf(FRAME_MAGIC); at >= 0; at = rest.indexOf(FRAME_MAGIC, at + 1)) {
    if (payloadAt(need, at) !== undefined) return true
  }
  return false
}

function applyEntry(entry: JournalEntry, store: Store, byUuid: Map<string, Collection>, retries: RetryHistory): void {
  store.clock.advance(entry.time)
  if (entry.kind === 'meta') store.log.restoreHistory(entry.time)
  else if (entry.kind === 'retry') retries.add(entry)
  else if (isCatalogKind(entry.kind)) applyCatalog(entry, entry.kind, store, byUuid)
  else if (isDocumentKind(entry.kind)) applyDocument(entry, entry.kind, store, byUuid)
}

function applyCatalog(
  entry: JournalEntry,
  kind: CatalogChange['kind'],
  store: Store,
  byUuid: Map<string, Collection>,
): void {
  const db = String(entry.fields?.get('db'))
  const collection = String(entry.fields?.get('coll'))
  const details = entry.fields?.get('details')
  const key = entry.uuidKey
  const change: CatalogChange = {
    kind,
    time: entry.time,
    position: entry.position,
    wallTime: entry.wallTime,
    db,
    collection,
    uuid: byUuid.get(key)?.uuid ?? uuidOf(entry),
    details: isDoc(details) ? details : new Map(),
  }
  if (entry.role !== 'history') {
    store.applyCatalogChange(change)
    if (kind === 'create') byUuid.set(key, store.find(db, collection)!)
  }
  if (entry.role !== 'state') store.log.append(change)
}

function applyDocument(
  entry: JournalEntry,
  kind: DocumentChange['kind'],
  store: Store,
  byUuid: Map<string, Collection>,
): void {
  const collection = byUuid.get(entry.uuidKey)
  const after = stored(entry.after)
  let before = stored(entry.before)
  if (entry.role !== 'history') {
    if (!collection) return
    const record = collection.records.get(entry.recordId)
    before = record?.current
    if (after) {
      if (record) collection.update(record, after)
      else collection.insert(entry.recordId, after)
    } else if (record) collection.remove(record)
  }
  if (entry.role === 'state') return
  const transaction = originOf(entry)
  const change: DocumentChange = {
    kind,
    time: entry.time,
    position: entry.position,
    wallTime: entry.wallTime,
    db: collection?.db ?? String(entry.fields?.get('db')),
    collection: collection?.name ?? String(entry.fields?.get('coll')),
    uuid: collection?.uuid ?? uuidOf(entry),
    recordId: entry.recordId,
    before,
    after,
    preImages: entry.preImages,
  }
  store.log.append(transaction ? { ...change, transaction } : change)
}

function stored(span: Span | undefined): StoredBytes | undefined {
  return span && storeSlice(span.bytes, span.start, span.end)
}

/** Writes a file beside the journal and puts it in its place. */
function writeWhole(file: string, fill: (write: (bytes: Buffer) => void) => void): void {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w')
  try {
    fill((bytes) => void writeSync(descriptor, bytes))
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  const folder = openSync(path.dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Rewrites a journal that is more past than state. */
function compact(file: string, store: Store, retries: RetryHistory): void {
  const descriptor = openSync(file, 'r')
  const { size } = fstatSync(descriptor)
  closeSync(descriptor)
  let live = 0
  for (const collections of store.databases.values())
    for (const { bytes, records } of collections.values()) live += bytes + records.size * 80
  if (size < COMPACT_ABOVE_BYTES || size < live * 2 + KEPT_BYTES) return
  const time = store.clock.last
  writeWhole(file, (write) => {
    const { log } = store
    let first = log.end
    let kept = 0
    while (first > log.start && log.end - first < KEPT_CHANGES && kept < KEPT_BYTES) {
      const change = log.at(first - 1)!
      kept += 128 + ('after' in change ? (change.after?.length ?? 0) + (change.before?.length ?? 0) : 0)
      first--
    }
    const before = log.at(first - 1)
    write(frame([encodeMeta(before ? before.time : log.forgottenUntil)]))
    for (const collections of store.databases.values()) {
      for (const collection of collections.values()) writeCollection(collection, time, write)
    }
    for (let at = first; at < log.end; at++) write(frame([encodeChange(log.at(at)!, 'history')]))
    for (const retry of retries) write(frame([encodeRetry(retry, time)]))
  })
}

function writeCollection(collection: Collection, time: number, write: (bytes: Buffer) => void): void {
  const place = {
    time,
    position: 0,
    wallTime: 0,
    db: collection.db,
    collection: collection.name,
    uuid: collection.uuid,
  }
  write(
    frame([encodeChange({ ...place, kind: 'create', details: new Map([['options', collection.options]]) }, 'state')]),
  )
  const indexes = [...collection.indexes.values()].filter(({ spec }) => spec.name !== '_id_')
  if (indexes.length > 0) {
    const details = new Map([['indexes', indexes.map(({ spec }) => spec.description)]])
    write(frame([encodeChange({ ...place, kind: 'createIndexes', details }, 'state')]))
  }
  let group: Buffer[] = []
  let bytes = 0
  for (const record of collection.records.values()) {
    const change: DocumentChange = {
      ...place,
      kind: 'insert',
      recordId: record.id,
      before: undefined,
      after: record.current,
      preImages: false,
    }
    const entry = encodeChange(change, 'state')
    group.push(entry)
    bytes += entry.length
    if (bytes < 1024 * 1024) continue
    write(frame(group))
    group = []
    bytes = 0
  }
  if (group.length > 0) write(frame(group))
}
