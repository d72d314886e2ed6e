import { encodeDocument } from '../../bson/codec.ts'
import { type Doc, int, type Value } from '../../bson/value.ts'

/** A batch of a cursor; the documents are spliced into the reply as they are stored. */
export interface Batch {
  readonly field: 'firstBatch' | 'nextBatch'
  readonly documents: readonly Uint8Array[]
  /** 0 = nothing follows. */
  readonly cursorId: bigint
  readonly namespace: string
  /** Further fields of `cursor`: `postBatchResumeToken`, `atClusterTime`. */
  readonly more?: Doc
}

/** What a command answers. `ok: 1` and the cluster time are added on the way out. */
export interface Reply {
  readonly batch?: Batch
  readonly fields: Doc
  /** Acknowledged only when this has settled. */
  readonly durable?: boolean
}

export function reply(fields: Readonly<{ [name: string]: Value | undefined }> = {}): Reply {
  const document: Doc = new Map()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) document.set(name, value)
  return { fields: document }
}

const indexHeads: Buffer[] = []

/** Type byte and name of an array element that is a document. */
function indexHead(index: number): Buffer {
  let head = indexHeads[index]
  if (!head) {
    head = Buffer.from(`\x03${index}\0`, 'latin1')
    if (index < 20_000) indexHeads[index] = head
  }
  return head
}

/** The reply document in pieces, `ok: 1` included. */
export function encodeReply({ batch, fields }: Reply, tail: Doc): Uint8Array[] {
  const rest = new Map(fields)
  if (!rest.has('ok')) rest.set('ok', 1)
  for (const [name, value] of tail) rest.set(name, value)
  const restBytes = encodeDocument(rest)
  if (!batch) return [restBytes]
  const cursorTail: Doc = new Map<string, Value>(batch.more ?? [])
  cursorTail.set('id', batch.cursorId)
  cursorTail.set('ns', batch.namespace)
  const cursorTailBytes = encodeDocument(cursorTail)
  const parts: Uint8Array[] = []
  let arrayLength = 5
  for (let index = 0; index < batch.documents.length; index++) {
    const head = indexHead(index)
    const document = batch.documents[index]!
    parts.push(head, document)
    arrayLength += head.length + document.length
  }
  const arrayName = `\x04${batch.field}\0`
  const cursorLength = 4 + arrayName.length + arrayLength + cursorTailBytes.length - 4
  const total = 4 + CURSOR_NAME.length + cursorLength + restBytes.length - 4
  const head = Buffer.allocUnsafe(8 + CURSOR_NAME.length + arrayName.length + 4)
  let at = head.writeInt32LE(total, 0)
  at += head.write(CURSOR_NAME, at, 'latin1')
  at = head.writeInt32LE(cursorLength, at)
  at += head.write(arrayName, at, 'latin1')
  head.writeInt32LE(arrayLength, at)
  return [head, ...parts, ZERO, cursorTailBytes.subarray(4), restBytes.subarray(4)]
}

const CURSOR_NAME = '\x03cursor\0'
const ZERO = Buffer.from([0])

export const OK: Reply = { fields: new Map<string, Value>([['ok', 1]]) }

/** `n` as MongoDB's write commands answer it. */
export const count = (value: number): Value => int(value)
