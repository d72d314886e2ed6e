import { decodeDocument } from '../bson/codec.ts'
import { TYPE_BYTE } from '../bson/types.ts'
import { Binary, type Doc, Int32, int, isDoc, isNumber, type Timestamp, typeName, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { fromTimestamp, toTimestamp } from '../storage/clock.ts'
import { assertDatabaseName } from '../storage/namespace.ts'
import { documentOf, type RawElement, rawDocuments, rawElements } from '../storage/raw-document.ts'
import type { Transaction } from '../storage/transaction.ts'
import { WriteBlocked, writeConflict } from '../storage/transaction.ts'
import type { Answer, Peer } from '../wire/connection.ts'
import type { Message } from '../wire/message.ts'
import { COMMON_FIELDS, type Command } from './command.ts'
import { Invocation } from './invocation.ts'
import { loadCommand, loadedCommand, needsLoading } from './registry.ts'
import type { Server } from './server.ts'
import { encodeReply, type Reply } from './support/reply.ts'
import type { Session } from './support/session.ts'
import { checkWriteConcern, writeConcernError } from './support/write-concern.ts'

const known = new Map<string, ReadonlySet<string>>()

/** Arrays whose documents are not decoded: they are stored or passed on as they are. */
const RAW_ARRAYS = new Map([['insert', 'documents']])

interface ParsedCommand {
  readonly name: string
  readonly body: Doc
  readonly sequences: ReadonlyMap<string, readonly Uint8Array[]>
}

/** Reads a message's command; the documents of an insert stay bytes. */
function parseCommand(message: Message): ParsedCommand {
  const bytes = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength)
  const nameEnd = bytes.indexOf(0, 5)
  const name = bytes.toString('utf8', 5, Math.max(5, nameEnd))
  const rawArray = RAW_ARRAYS.get(name)
  if (rawArray === undefined || message.sequences.has(rawArray)) {
    return { name, body: decodeDocument(bytes), sequences: message.sequences }
  }
  const kept: RawElement[] = []
  const sequences = new Map(message.sequences)
  for (const element of rawElements(bytes)) {
    if (element.name === rawArray && element.type === TYPE_BYTE.array) {
      sequences.set(rawArray, rawDocuments(bytes, element.value, `${name}.${rawArray}`))
    } else kept.push(element)
  }
  return { name, body: decodeDocument(documentOf(bytes, kept)), sequences }
}

const RETRYABLE_CODES = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 134])
/** "Not primary" answers say to which state they belong, as MongoDB's do; those of a shutdown do not. */
const STATE_CHANGE_CODES = new Set([189, 10107, 11602, 13435, 13436])
/** Errors that end a change stream for good. */
const NON_RESUMABLE_CODES = new Set([280, 286])
const TRANSIENT = 'TransientTransactionError'
/** Errors of two transactions at once. */
const CONFLICT_CODES = new Set([112, 24, 246, 239, 267])
/** There is no such transaction any more, so that nothing of it was done. */
const NO_SUCH_TRANSACTION = 251
/** Errors of a command within a transaction that leave nothing of it behind either. */
const LOST_CODES = new Set([282, 91, 189, 10107, 11600, 11602, 13435, 13436, 6, 7, 89, 262])

/**
 * Whether the whole transaction may be tried again after an error.
 *
 * @param ends the command was to commit or abort it: what became of that is unknown after some errors
 */
function isTransient(code: number, ends: boolean): boolean {
  return CONFLICT_CODES.has(code) || code === NO_SUCH_TRANSACTION || (!ends && LOST_CODES.has(code))
}

/** Answers requests: finds the command, its session and transaction, runs it, and words what went wrong. */
export function createDispatcher(server: Server): (message: Message, peer: Peer) => Answer | Promise<Answer> {
  return (message, peer) => {
    server.expire()
    let parsed: ParsedCommand
    try {
      parsed = parseCommand(message)
    } catch (error) {
      return { parts: encodeError(error, server) }
    }
    if (!needsLoading(parsed.name)) return answerUnlessStruck(server, message, peer, parsed)
    return loadCommand(parsed.name).then(() => answerUnlessStruck(server, message, peer, parsed))
  }
}

function answerUnlessStruck(
  server: Server,
  message: Message,
  peer: Peer,
  parsed: ParsedCommand,
): Answer | Promise<Answer> {
  const appName = peerAppNames.get(peer.id)
  const strike = server.failPoints.any
    ? server.failPoints.strike('failCommand', (data) => strikes(data, parsed, appName))
    : undefined
  if (strike === undefined) return answer(server, message, peer, parsed, undefined)
  return answerFailing(server, message, peer, parsed, strike)
}

const peerAppNames = new Map<number, string>()

/** The application name that a client gave in its handshake. */
export function rememberAppName(peer: Peer, client: Doc | undefined): void {
  const application = client?.get('application')
  const name = isDoc(application) ? application.get('name') : undefined
  if (typeof name !== 'string') return
  peerAppNames.set(peer.id, name)
  peer.closed.addEventListener('abort', () => peerAppNames.delete(peer.id), { once: true })
}

function strikes(data: Doc, { name, body }: ParsedCommand, appName: string | undefined): boolean {
  const commands = data.get('failCommands')
  const listed =
    Array.isArray(commands) && (commands.includes(name) || (name === 'isMaster' && commands.includes('ismaster')))
  if (!listed && data.get('failAllCommands') !== true) return false
  const namespace = data.get('namespace')
  if (namespace !== undefined && namespace !== `${String(body.get('$db'))}.${String(body.get(name))}`) return false
  const wanted = data.get('appName')
  if (wanted === undefined) return true
  const client = body.get('client')
  const application = isDoc(client) ? client.get('application') : undefined
  return (isDoc(application) ? application.get('name') : appName) === wanted
}

async function answerFailing(
  server: Server,
  message: Message,
  peer: Peer,
  parsed: ParsedCommand,
  strike: Doc,
): Promise<Answer> {
  if (strike.get('blockConnection') === true) {
    await new Promise((resolve) => setTimeout(resolve, numberOf(strike.get('blockTimeMS')) ?? 0))
  }
  if (strike.get('closeConnection') === true) return null
  const code = numberOf(strike.get('errorCode'))
  if (code !== undefined) {
    const labels = labelsOf(strike)
    const error = new DatabaseError(code, `Failing command via 'failCommand' failpoint`)
    const retryable = parsed.body.has('txnNumber') && parsed.body.get('autocommit') !== false
    const ends = parsed.name === 'commitTransaction' || parsed.name === 'abortTransaction'
    if (labels) error.labels = labels
    else if (parsed.body.get('autocommit') === false && isTransient(code, ends)) error.labels = [TRANSIENT]
    else if ((retryable || ends) && RETRYABLE_CODES.has(code)) error.labels = ['RetryableWriteError']
    return { parts: encodeError(error, server) }
  }
  return answer(server, message, peer, parsed, strike)
}

function labelsOf(strike: Doc): string[] | undefined {
  const labels = strike.get('errorLabels')
  return Array.isArray(labels) ? labels.filter((label) => typeof label === 'string') : undefined
}

function answer(
  server: Server,
  message: Message,
  peer: Peer,
  parsed: ParsedCommand,
  strike: Doc | undefined,
): Answer | Promise<Answer> {
  let call: Call | undefined
  try {
    call = prepare(server, message, peer, parsed)
    const reply = call.command.run(call.invocation)
    if (reply instanceof Promise || server.store.sink) return settle(server, call, reply, strike)
    return finish(server, call, reply, strike)
  } catch (error) {
    return fail(server, call, error, parsed)
  }
}

async function settle(
  server: Server,
  call: Call,
  pending: Reply | Promise<Reply>,
  strike: Doc | undefined,
): Promise<Answer> {
  try {
    const reply = await pending
    if (server.store.sink && call.command.writes && waitsForJournal(call.invocation.body)) {
      await server.store.sink.flushed()
    }
    return finish(server, call, reply, strike)
  } catch (error) {
    return fail(server, call, error, call.parsed)
  }
}

/** The default write concern is a majority of one, which implies the journal; only `w: 1` or `0` without `j` does not wait. */
function waitsForJournal(body: Doc): boolean {
  const concern = body.get('writeConcern')
  if (!isDoc(concern)) return true
  if (concern.get('j') === true) return true
  const w = concern.get('w')
  return w === undefined || w === 'majority'
}

function finish(server: Server, call: Call, reply: Reply, strike: Doc | undefined): Answer {
  const { invocation } = call
  if (invocation.closeConnection) return null
  let result = reply
  const concernError = strike?.get('writeConcernError')
  if (isDoc(concernError)) result = withConcernError(reply, concernError, strike!, invocation)
  else if (call.command.writes) result = withUnmetConcern(reply, invocation.body)
  const parts = encodeReply(result, tailOf(server))
  // An awaited hello is answered again and again: `hello` itself waits for the time the client gave.
  const streams = call.message.exhaustAllowed && call.command.name === 'hello' && invocation.body.has('topologyVersion')
  if (!streams) return { parts }
  const { message, parsed } = call
  return { parts, next: async () => answer(server, message, invocation.peer, parsed, undefined) }
}

function withUnmetConcern(reply: Reply, body: Doc): Reply {
  const error = writeConcernError(body)
  return error ? { ...reply, fields: new Map([...reply.fields, ['writeConcernError', error]]) } : reply
}

function withConcernError(reply: Reply, concernError: Doc, strike: Doc, invocation: Invocation): Reply {
  const fields = new Map(reply.fields)
  const code = numberOf(concernError.get('code')) ?? 0
  const described = new Map(concernError)
  const own = described.get('errorLabels')
  described.delete('errorLabels')
  fields.set('writeConcernError', described)
  if (STATE_CHANGE_CODES.has(code)) fields.set('topologyVersion', invocation.server.topologyVersion())
  const labels = labelsOf(strike) ?? (Array.isArray(own) ? own : undefined)
  if (labels) {
    if (labels.length > 0) fields.set('errorLabels', labels)
  } else if (RETRYABLE_CODES.has(code) && (invocation.retryable || invocation.name.endsWith('Transaction'))) {
    fields.set('errorLabels', ['RetryableWriteError'])
  }
  return { ...reply, fields }
}

interface Call {
  readonly message: Message
  readonly parsed: ParsedCommand
  readonly command: Command
  readonly invocation: Invocation
}

function prepare(server: Server, message: Message, peer: Peer, parsed: ParsedCommand): Call {
  const { name, body, sequences } = parsed
  const command = loadedCommand(name)
  if (message.kind === 'query' && command?.name !== 'hello') {
    throw new DatabaseError(
      352,
      `Unsupported OP_QUERY command: ${name}. The client driver may require an upgrade. For more details see https://dochub.mongodb.org/core/legacy-opcode-removal`,
    )
  }
  if (!command) throw new DatabaseError(59, `no such command: '${name}'`)
  const db = databaseOf(body, message)
  if (command.adminOnly && db !== 'admin') {
    throw new DatabaseError(13, `${name} may only be run against the admin database.`)
  }
  server.counters.command++
  checkApiVersion(command, body, name)
  if (command.writes) checkWriteConcern(body)
  const context = sessionContext(server, command, body, name, peer)
  const invocation = new Invocation({ server, peer, name, db, body, sequences, ...context })
  if (command.fields) invocation.fields.only(fieldsOf(name, command.fields))
  return { message, parsed, command, invocation }
}

/** @throws {DatabaseError} 40571, 14 TypeMismatch, 73 InvalidNamespace */
function databaseOf(body: Doc, message: Message): string {
  const given = message.kind === 'query' ? message.namespace?.split('.')[0] : body.get('$db')
  if (given === undefined) throw new DatabaseError(40571, 'OP_MSG requests require a $db argument')
  if (typeof given !== 'string') {
    throw new DatabaseError(14, `BSON field '$db' is the wrong type '${typeName(given)}', expected type 'string'`)
  }
  assertDatabaseName(given)
  return given
}

function fieldsOf(name: string, own: readonly string[]): ReadonlySet<string> {
  let fields = known.get(name)
  if (!fields) {
    fields = new Set([name, ...COMMON_FIELDS, ...own])
    known.set(name, fields)
  }
  return fields
}

function checkApiVersion(command: Command, body: Doc, name: string): void {
  const version = body.get('apiVersion')
  if (version === undefined) {
    if (body.has('apiStrict') || body.has('apiDeprecationErrors')) {
      throw new DatabaseError(72, 'Provided apiStrict and/or apiDeprecationErrors without passing apiVersion')
    }
    return
  }
  if (version !== '1') throw new DatabaseError(322, 'API version must be "1"')
  if (body.get('apiStrict') !== true) return
  const unstable = command.unstable?.find((field) => body.has(field))
  if (unstable !== undefined) {
    throw new DatabaseError(323, `BSON field '${name}.${unstable}' is not allowed with apiStrict:true.`)
  }
  if (!command.stable) {
    throw new DatabaseError(
      323,
      `Provided apiStrict:true, but the command ${name} is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api.`,
    )
  }
}

interface SessionContext {
  readonly session?: Session | undefined
  readonly transaction?: Transaction | undefined
  readonly retryable?: boolean
  readonly snapshotTime?: number | undefined
}

function sessionContext(server: Server, command: Command, body: Doc, name: string, peer: Peer): SessionContext {
  const snapshotTime = snapshotOf(server, command, body, name)
  const lsid = body.get('lsid')
  if (!isDoc(lsid)) {
    if (body.has('txnNumber'))
      throw new DatabaseError(72, 'Transaction number requires a session ID to also be specified')
    return { snapshotTime }
  }
  const id = lsid.get('id')
  if (!(id instanceof Binary) || id.position !== 16)
    throw new DatabaseError(14, "BSON field 'lsid.id' is the wrong type, expected type 'binData'")
  const session = server.sessions.use(Buffer.from(id.buffer.subarray(0, id.position)).toString('hex'))
  const number = body.get('txnNumber')
  checkTransactionFields(body, number)
  if (number === undefined) return { session, snapshotTime }
  const txnNumber = toBigInt(number)
  const { store } = server
  if (body.get('autocommit') !== false) {
    if (!RETRYABLE_COMMANDS.has(command.name)) {
      throw new DatabaseError(
        50768,
        `txnNumber may be provided only for multi-document transactions and retryable write commands. autocommit:false was not provided, and ${name} is not a retryable write command.`,
      )
    }
    session.useForRetry(txnNumber, store)
    return { session, retryable: true }
  }
  const ends = command.name === 'commitTransaction' || command.name === 'abortTransaction'
  if (ends) {
    session.connection = peer.id
    return { session }
  }
  if (!command.inTransaction) {
    throw new DatabaseError(263, `Cannot run '${name}' in a multi-document transaction.`)
  }
  if (isDoc(body.get('writeConcern'))) {
    throw new DatabaseError(72, 'writeConcern is not allowed within a multi-statement transaction')
  }
  if (body.get('startTransaction') === true) {
    return { session, transaction: session.start(txnNumber, peer.id, store) }
  }
  if (isDoc(body.get('readConcern')) && (body.get('readConcern') as Doc).has('level')) {
    throw new DatabaseError(72, 'Only the first command in a transaction may specify a readConcern')
  }
  session.connection = peer.id
  return { session, transaction: session.continue(txnNumber) }
}

const RETRYABLE_COMMANDS = new Set(['insert', 'update', 'delete', 'findAndModify', 'bulkWrite'])

/** @throws {DatabaseError} 72 InvalidOptions */
function checkTransactionFields(body: Doc, number: Value | undefined): void {
  const autocommit = body.get('autocommit')
  if (autocommit !== undefined && number === undefined) {
    throw new DatabaseError(72, "'autocommit' field requires a transaction number to also be specified")
  }
  if (autocommit === true) throw new DatabaseError(72, 'Specifying autocommit=true is not allowed.')
  const start = body.get('startTransaction')
  if (start === undefined) return
  if (autocommit === undefined) {
    throw new DatabaseError(72, "'startTransaction' field requires 'autocommit' field to also be specified")
  }
  if (start !== true) throw new DatabaseError(72, 'Specifying startTransaction=false is not allowed.')
}

const READ_LEVELS = new Set(['local', 'available', 'majority', 'linearizable', 'snapshot'])
const SNAPSHOT_COMMANDS = new Set(['find', 'aggregate', 'distinct', 'count'])

function snapshotOf(server: Server, command: Command, body: Doc, name: string): number | undefined {
  const concern = body.get('readConcern')
  if (!isDoc(concern)) return undefined
  const level = concern.get('level')
  if (level !== undefined && (typeof level !== 'string' || !READ_LEVELS.has(level))) {
    throw new DatabaseError(
      9,
      `Enumeration value '${String(level)}' for field 'readConcern.level' is not a valid value.`,
    )
  }
  if (level !== 'snapshot' || body.get('autocommit') === false) return undefined
  if (!SNAPSHOT_COMMANDS.has(command.name)) {
    throw new DatabaseError(72, `Command ${name} does not support { readConcern: { level: "snapshot" } }`)
  }
  const at = concern.get('atClusterTime')
  return at === undefined ? server.store.clock.last : fromTimestamp(at as Timestamp)
}

function toBigInt(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (value instanceof Int32) return BigInt(value.value)
  throw new DatabaseError(14, "BSON field 'txnNumber' is the wrong type, expected type 'long'")
}

function numberOf(value: Value | undefined): number | undefined {
  if (value instanceof Int32) return value.value
  return isNumber(value) ? Number(value) : undefined
}

function fail(server: Server, call: Call | undefined, thrown: unknown, parsed: ParsedCommand): Answer {
  const error = thrown instanceof WriteBlocked ? writeConflict() : thrown
  const inTransaction = parsed.body.get('autocommit') === false
  const ends = parsed.name === 'commitTransaction' || parsed.name === 'abortTransaction'
  if (error instanceof DatabaseError && inTransaction) {
    // Source: transactions specification: the server labels what the whole transaction may be tried again for.
    if (!error.labels && isTransient(error.code, ends)) error.labels = [TRANSIENT]
  }
  if (call?.invocation.transaction) call.invocation.session?.abort(server.store)
  if (call?.invocation.closeConnection) return null
  return { parts: encodeError(error, server) }
}

function tailOf(server: Server): Doc {
  const time = toTimestamp(server.store.clock.last)
  return new Map<string, Value>([
    [
      '$clusterTime',
      new Map<string, Value>([
        ['clusterTime', time],
        ['signature', UNSIGNED],
      ]),
    ],
    ['operationTime', time],
  ])
}

const UNSIGNED: Doc = new Map<string, Value>([
  ['hash', new Binary(new Uint8Array(20), 0)],
  ['keyId', 0n],
])

function encodeError(thrown: unknown, server: Server): Uint8Array[] {
  const error = thrown instanceof DatabaseError ? thrown : internalError(thrown)
  const fields: Doc = new Map<string, Value>([
    ['ok', 0],
    ['errmsg', error.message],
    ['code', int(error.code)],
    ['codeName', error.codeName],
  ])
  for (const [name, value] of error.extra ?? []) fields.set(name, value)
  const labels = error.labels ?? (NON_RESUMABLE_CODES.has(error.code) ? ['NonResumableChangeStreamError'] : [])
  if (labels.length > 0) fields.set('errorLabels', [...labels])
  if (STATE_CHANGE_CODES.has(error.code)) fields.set('topologyVersion', server.topologyVersion())
  return encodeReply({ fields }, tailOf(server))
}

/** A bug of this server: named as such, so that nobody takes it for MongoDB's answer. */
function internalError(thrown: unknown): DatabaseError {
  if (process.env.LOCAL_DATABASE_DEBUG) console.error(thrown)
  return new DatabaseError(1, `local database: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
}
