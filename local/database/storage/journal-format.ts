import { crc32 } from 'node:zlib'
import { decodeDocument, encodeDocument } from '../bson/codec.ts'
import { Binary, type Doc, type Value } from '../bson/value.ts'
import {
  type CatalogChangeKind,
  type Change,
  type ChangeOrigin,
  type DocumentChangeKind,
  isDocumentChange,
} from '../changes/change.ts'
import type { ClusterTime } from './clock.ts'
import type { RetryRecord } from './store.ts'

/**
 * The journal is a row of frames: magic, uint32 length of the payload, uint32 CRC-32 of the payload, payload. A payload
 * is one atomic group: BSON documents one after another, one a change. Each begins with a binary field `h` of fixed
 * layout, so that reading back decodes no more than it must.
 */
export const FRAME_MAGIC = Buffer.from('AEJ\x01', 'latin1')
export const FRAME_HEAD_BYTES = 12

const KINDS = [
  'meta',
  'retry',
  'insert',
  'update',
  'replace',
  'delete',
  'create',
  'drop',
  'rename',
  'dropDatabase',
  'createIndexes',
  'dropIndexes',
  'modify',
] as const

const FLAG_PRE_IMAGES = 1
/** Tells change streams what was; the state already contains it. */
const FLAG_HISTORY = 2
/** Part of the state; no change that a stream tells. */
const FLAG_STATE = 4

const HEAD_AT = 12
const HEAD_BYTES = 46
const REST_AT = HEAD_AT + HEAD_BYTES
const UUID_BYTES = 16

export type EntryRole = 'change' | 'history' | 'state'

/** Where a document lies within other bytes. */
export interface Span {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** One document of a frame, read back. */
export interface JournalEntry {
  readonly kind: (typeof KINDS)[number]
  readonly role: EntryRole
  readonly preImages: boolean
  readonly time: ClusterTime
  readonly position: number
  readonly wallTime: number
  readonly recordId: number
  /** The 16 bytes of the collection's UUID, a character each: cheaper than an object for every entry. */
  readonly uuidKey: string
  readonly after: Span | undefined
  readonly before: Span | undefined
  readonly fields: Doc | undefined
}

export interface EntryHead {
  readonly kind: (typeof KINDS)[number]
  readonly role?: EntryRole
  readonly preImages?: boolean
  readonly time: ClusterTime
  readonly position?: number
  readonly wallTime?: number
  readonly recordId?: number
  readonly uuid?: Binary
}

const head = Buffer.alloc(HEAD_BYTES)

function encodeEntry(
  entry: EntryHead,
  documents: readonly (readonly [string, Uint8Array])[],
  fields: Doc | undefined,
): Buffer {
  head[0] = KINDS.indexOf(entry.kind)
  head[1] =
    (entry.preImages ? FLAG_PRE_IMAGES : 0) |
    (entry.role === 'history' ? FLAG_HISTORY : 0) |
    (entry.role === 'state' ? FLAG_STATE : 0)
  head.writeUInt32LE(entry.position ?? 0, 2)
  head.writeDoubleLE(entry.time, 6)
  head.writeDoubleLE(entry.wallTime ?? 0, 14)
  head.writeDoubleLE(entry.recordId ?? 0, 22)
  if (entry.uuid) head.set(entry.uuid.buffer.subarray(0, 16), 30)
  else head.fill(0, 30)
  const fieldBytes = fields ? encodeDocument(fields) : undefined
  let length = REST_AT + 1
  for (const [, document] of documents) length += 3 + document.length
  if (fieldBytes) length += 3 + fieldBytes.length
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeInt32LE(length, 0)
  bytes[4] = 0x05
  bytes.write('h\0', 5, 'latin1')
  bytes.writeInt32LE(HEAD_BYTES, 7)
  bytes[11] = 0
  bytes.set(head, HEAD_AT)
  let at = REST_AT
  const put = (name: string, document: Uint8Array): void => {
    bytes[at] = 0x03
    bytes.write(`${name}\0`, at + 1, 'latin1')
    bytes.set(document, at + 3)
    at += 3 + document.length
  }
  for (const [name, document] of documents) put(name, document)
  if (fieldBytes) put('x', fieldBytes)
  bytes[at] = 0
  return bytes
}

/** @param previous the entry read before: most have the same collection, whose key is then not made again */
function decodeEntry(bytes: Buffer, view: DataView, offset: number, previous: JournalEntry | undefined): JournalEntry {
  const at = offset + HEAD_AT
  const flags = bytes[at + 1]!
  let after: Span | undefined
  let before: Span | undefined
  let fields: Doc | undefined
  const end = offset + view.getInt32(offset, true) - 1
  for (let position = offset + REST_AT; position < end; ) {
    const name = bytes[position + 1]
    const start = position + 3
    position = start + view.getInt32(start, true)
    if (name === 0x6f) after = { bytes, start, end: position }
    else if (name === 0x62) before = { bytes, start, end: position }
    else fields = decodeDocument(bytes, start)
  }
  return {
    kind: KINDS[bytes[at]!] ?? 'meta',
    role: flags & FLAG_HISTORY ? 'history' : flags & FLAG_STATE ? 'state' : 'change',
    preImages: (flags & FLAG_PRE_IMAGES) !== 0,
    position: view.getUint32(at + 2, true),
    time: view.getFloat64(at + 6, true),
    wallTime: view.getFloat64(at + 14, true),
    recordId: view.getFloat64(at + 22, true),
    uuidKey:
      previous && isAt(bytes, at + 30, previous.uuidKey)
        ? previous.uuidKey
        : bytes.toString('latin1', at + 30, at + 30 + UUID_BYTES),
    after,
    before,
    fields,
  }
}

function isAt(bytes: Buffer, at: number, key: string): boolean {
  for (let index = 0; index < UUID_BYTES; index++) if (bytes[at + index] !== key.charCodeAt(index)) return false
  return true
}

/** One change as an entry. */
export function encodeChange(change: Change, role: EntryRole = 'change'): Buffer {
  if (!isDocumentChange(change)) {
    const fields: Doc = new Map<string, Value>([
      ['db', change.db],
      ['coll', change.collection],
      ['details', change.details],
    ])
    return encodeEntry({ ...change, role }, [], fields)
  }
  const documents: [string, Uint8Array][] = []
  if (change.after) documents.push(['o', change.after.view()])
  // Reading back finds the version before in the state, but not that of history.
  if (role === 'history' && change.before) documents.push(['b', change.before.view()])
  const fields: Doc = new Map()
  if (change.transaction) {
    fields.set('session', change.transaction.session)
    fields.set('txnNumber', change.transaction.txnNumber)
  }
  if (role === 'history') {
    fields.set('db', change.db)
    fields.set('coll', change.collection)
  }
  return encodeEntry({ ...change, role }, documents, fields.size > 0 ? fields : undefined)
}

/** The session stands where a change has its collection, the transaction number and statement in place of time and record. */
export function encodeRetry(retry: RetryRecord, time: ClusterTime): Buffer {
  const head: EntryHead = {
    kind: 'retry',
    time,
    wallTime: Number(retry.txnNumber),
    recordId: retry.statement,
    uuid: new Binary(Buffer.from(retry.session, 'hex'), Binary.SUBTYPE_UUID),
  }
  return encodeEntry(head, [['o', encodeDocument(retry.outcome)]], undefined)
}

/** The latest retryable write of each session, gathered while a journal is read. */
export class RetryHistory {
  readonly #sessions = new Map<string, { txnNumber: number; statements: Map<number, Span> }>()

  add({ uuidKey, wallTime: txnNumber, recordId: statement, after: outcome }: JournalEntry): void {
    let latest = this.#sessions.get(uuidKey)
    if (!latest || latest.txnNumber < txnNumber) {
      latest = { txnNumber, statements: new Map() }
      this.#sessions.set(uuidKey, latest)
    }
    if (latest.txnNumber === txnNumber && outcome) latest.statements.set(statement, outcome)
  }

  *[Symbol.iterator](): Generator<RetryRecord> {
    for (const [uuidKey, { txnNumber, statements }] of this.#sessions) {
      const session = Buffer.from(uuidKey, 'latin1').toString('hex')
      for (const [statement, outcome] of statements) {
        yield {
          session,
          txnNumber: BigInt(txnNumber),
          statement,
          outcome: decodeDocument(outcome.bytes, outcome.start),
        }
      }
    }
  }
}

/** First entry of a journal: history before `forgottenUntil` is not in it. */
export function encodeMeta(forgottenUntil: ClusterTime): Buffer {
  return encodeEntry({ kind: 'meta', time: forgottenUntil }, [], undefined)
}

export function originOf({ fields }: JournalEntry): ChangeOrigin | undefined {
  const session = fields?.get('session')
  const txnNumber = fields?.get('txnNumber')
  return typeof session === 'string' && typeof txnNumber === 'bigint' ? { session, txnNumber } : undefined
}

export function isDocumentKind(kind: JournalEntry['kind']): kind is DocumentChangeKind {
  return kind === 'insert' || kind === 'update' || kind === 'replace' || kind === 'delete'
}

export function isCatalogKind(kind: JournalEntry['kind']): kind is CatalogChangeKind {
  return kind !== 'meta' && kind !== 'retry' && !isDocumentKind(kind)
}

export function uuidOf({ uuidKey }: JournalEntry): Binary {
  return new Binary(Buffer.from(uuidKey, 'latin1'), Binary.SUBTYPE_UUID)
}

/** Puts entries into one frame. */
export function frame(entries: readonly Buffer[]): Buffer {
  let length = FRAME_HEAD_BYTES
  for (const entry of entries) length += entry.length
  const bytes = Buffer.allocUnsafe(length)
  let at = FRAME_HEAD_BYTES
  for (const entry of entries) at += entry.copy(bytes, at)
  bytes.set(FRAME_MAGIC, 0)
  bytes.writeUInt32LE(length - FRAME_HEAD_BYTES, 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(FRAME_HEAD_BYTES)), 8)
  return bytes
}

/** Visits the entries of a frame's payload. */
export function readEntries(payload: Buffer, visit: (entry: JournalEntry) => void): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  let entry: JournalEntry | undefined
  for (let at = 0; at < payload.length; at += view.getInt32(at, true)) {
    entry = decodeEntry(payload, view, at, entry)
    visit(entry)
  }
}
