import { crc32c } from './crc32c.ts'

/** Source: MongoDB wire protocol, "Standard Message Header": int32 length, request id, response to, opcode. */
export const HEADER_BYTES = 16
export const MAX_MESSAGE_BYTES = 48_000_000

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

const CHECKSUM_PRESENT = 1
const MORE_TO_COME = 2
const EXHAUST_ALLOWED = 1 << 16
/** Bits 0-15 are required: a server must refuse the ones it does not know. */
const UNKNOWN_REQUIRED_BITS = 0xffff & ~(CHECKSUM_PRESENT | MORE_TO_COME)

/** One request as it came, its documents still BSON bytes. */
export interface Message {
  readonly requestId: number
  readonly kind: 'msg' | 'query'
  /** The command document. */
  readonly body: Uint8Array
  /** Document sequences (OP_MSG sections of kind 1) by name. */
  readonly sequences: ReadonlyMap<string, readonly Uint8Array[]>
  /** The client waits for no answer (unacknowledged write). */
  readonly moreToCome: boolean
  /** The client accepts several answers to this request. */
  readonly exhaustAllowed: boolean
  /** OP_QUERY only: `db.$cmd`. */
  readonly namespace?: string
}

/** A message this server cannot read: the connection is closed, as MongoDB does. */
export class MalformedMessage extends Error {}

/**
 * Reads one complete message.
 *
 * @param bytes header included, exactly one message
 * @throws {MalformedMessage} for an unknown opcode, a wrong checksum or lengths that do not add up
 */
export function parseMessage(bytes: Buffer): Message {
  const requestId = bytes.readInt32LE(4)
  const opCode = bytes.readInt32LE(12)
  if (opCode === OP_MSG) return parseOpMsg(bytes, requestId)
  if (opCode === OP_QUERY) return parseOpQuery(bytes, requestId)
  throw new MalformedMessage(`opcode ${opCode} is not supported`)
}

function parseOpMsg(bytes: Buffer, requestId: number): Message {
  if (bytes.length < HEADER_BYTES + 9) throw new MalformedMessage('an OP_MSG is too short')
  const flags = bytes.readUInt32LE(HEADER_BYTES)
  if (flags & UNKNOWN_REQUIRED_BITS) throw new MalformedMessage(`unknown required OP_MSG flags ${flags}`)
  let end = bytes.length
  if (flags & CHECKSUM_PRESENT) {
    end -= 4
    if (crc32c(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) throw new MalformedMessage('wrong OP_MSG checksum')
  }
  let body: Uint8Array | undefined
  const sequences = new Map<string, readonly Uint8Array[]>()
  for (let at = HEADER_BYTES + 4; at < end; ) {
    const sectionKind = bytes[at++]
    if (sectionKind === 0) {
      body = takeDocument(bytes, at, end)
      at += body.length
    } else if (sectionKind === 1) {
      if (at + 4 > end) throw new MalformedMessage('a document sequence is cut')
      const sectionEnd = at + bytes.readInt32LE(at)
      const nameEnd = bytes.indexOf(0, at + 4)
      if (sectionEnd > end || nameEnd === -1 || nameEnd >= sectionEnd) {
        throw new MalformedMessage('a document sequence is cut')
      }
      sequences.set(bytes.toString('utf8', at + 4, nameEnd), takeDocuments(bytes, nameEnd + 1, sectionEnd))
      at = sectionEnd
    } else {
      throw new MalformedMessage(`unknown OP_MSG section kind ${sectionKind}`)
    }
  }
  if (!body) throw new MalformedMessage('an OP_MSG has no body')
  return {
    requestId,
    kind: 'msg',
    body,
    sequences,
    moreToCome: (flags & MORE_TO_COME) !== 0,
    exhaustAllowed: (flags & EXHAUST_ALLOWED) !== 0,
  }
}

function parseOpQuery(bytes: Buffer, requestId: number): Message {
  const nameEnd = bytes.indexOf(0, HEADER_BYTES + 4)
  if (nameEnd === -1) throw new MalformedMessage('an OP_QUERY is cut')
  return {
    requestId,
    kind: 'query',
    body: takeDocument(bytes, nameEnd + 1 + 8, bytes.length),
    sequences: new Map(),
    moreToCome: false,
    exhaustAllowed: false,
    namespace: bytes.toString('utf8', HEADER_BYTES + 4, nameEnd),
  }
}

function takeDocuments(bytes: Buffer, start: number, end: number): Uint8Array[] {
  const documents: Uint8Array[] = []
  for (let at = start; at < end; ) {
    const document = takeDocument(bytes, at, end)
    documents.push(document)
    at += document.length
  }
  return documents
}

function takeDocument(bytes: Buffer, at: number, end: number): Uint8Array {
  const length = at + 4 <= end ? bytes.readInt32LE(at) : 0
  if (length < 5 || at + length > end || bytes[at + length - 1] !== 0) throw new MalformedMessage('a document is cut')
  return bytes.subarray(at, at + length)
}

let nextRequestId = 1

/**
 * Frames one answer.
 *
 * @param parts the reply document, in pieces that are joined on the wire
 * @param moreToCome another answer to the same request follows (exhaust)
 * @returns the whole message and its own request id, to which a following exhaust answer responds
 */
export function frameReply(
  kind: Message['kind'],
  responseTo: number,
  parts: readonly Uint8Array[],
  moreToCome = false,
): { bytes: Buffer; requestId: number } {
  const prefix = kind === 'msg' ? HEADER_BYTES + 5 : HEADER_BYTES + 20
  let length = prefix
  for (const part of parts) length += part.length
  const bytes = Buffer.allocUnsafe(length)
  const requestId = nextRequestId++ | 0
  bytes.writeInt32LE(length, 0)
  bytes.writeInt32LE(requestId, 4)
  bytes.writeInt32LE(responseTo, 8)
  if (kind === 'msg') {
    bytes.writeInt32LE(OP_MSG, 12)
    bytes.writeUInt32LE(moreToCome ? MORE_TO_COME : 0, 16)
    bytes[20] = 0
  } else {
    bytes.writeInt32LE(OP_REPLY, 12)
    // Source: OP_REPLY: flags (8 = AwaitCapable), int64 cursor id, starting from, number returned.
    bytes.writeInt32LE(8, 16)
    bytes.fill(0, 20, 32)
    bytes.writeInt32LE(1, 32)
  }
  let at = prefix
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return { bytes, requestId }
}
