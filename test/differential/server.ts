import {
  type Db,
  type Document,
  MongoClient,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb'
import { COLLECTION, TARGET } from './generate/collection-name.ts'
import type { Doc } from './generate/value.ts'
import { describe, describeElements, describeValues, field } from './raw-bson.ts'
import type { GeneratedCommand, Scenario } from './scenario.ts'

export interface ServerError {
  readonly code: number
  readonly message: string
}

/** What a command answered, as text that can be compared; `documents` in the order given. */
export interface Answer {
  readonly error?: ServerError
  readonly summary: string
  readonly documents: readonly string[]
}

export interface Observation {
  readonly answers: readonly Answer[]
  /** The documents of the collection after the last command, by `_id`. */
  readonly data: readonly string[]
}

/** The server stopped answering: its process ended, or it ended the process that ran the command. */
export class ServerDownError extends Error {
  override readonly name = 'ServerDownError'
}

/** What PostgreSQL, on which DocumentDB runs, tells those whose connection ends with another's crash. */
const ENDED =
  /terminating connection|Connection terminated|closed the connection|recovery mode|starting up|shutting down/

/** What DocumentDB tells one of two that make collections at the same time. */
const COLLIDED = /Unable to create the specified collection/

function isDown(error: unknown): boolean {
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoTopologyClosedError ||
    (error instanceof MongoServerError && ENDED.test(error.message))
  )
}

const SELECTION_TIMEOUT_MS = 15_000

/** Keeps every BSON type and leaves embedded documents as their bytes. */
const EXACT = { raw: true, promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const

/** One of the two servers, with a database of its own that is dropped at the end. */
export class DifferentialServer {
  readonly #client: MongoClient
  readonly #db: Db
  /** The collection has no options and no indexes. */
  #plain = false

  constructor(uri: string, databaseName: string) {
    this.#client = new MongoClient(uri, {
      ignoreUndefined: false,
      retryWrites: false,
      retryReads: false,
      serverSelectionTimeoutMS: SELECTION_TIMEOUT_MS,
    })
    this.#db = this.#client.db(databaseName)
  }

  /** A server that is down keeps its database. */
  async close(): Promise<void> {
    if (await this.isUp()) await this.#db.dropDatabase()
    await this.#client.close()
  }

  async isUp(): Promise<boolean> {
    try {
      // A client whose first connection failed is closed until it connects again.
      await this.#client.connect()
      await this.#db.collection(COLLECTION).findOne()
      return true
    } catch (error) {
      if (isDown(error)) return false
      throw error
    }
  }

  /**
   * Runs a scenario from the start.
   *
   * @throws {ServerDownError} when the server goes down meanwhile
   */
  async observe(scenario: Scenario): Promise<Observation> {
    try {
      await this.#prepare(scenario).catch((error: unknown) => {
        if (!(error instanceof MongoServerError) || !COLLIDED.test(error.message)) throw error
        return this.#prepare(scenario)
      })
      const answers: Answer[] = []
      for (const generated of scenario.commands) answers.push(await this.#answer(generated))
      return { answers, data: await this.#data() }
    } catch (error) {
      if (!isDown(error)) throw error
      this.#plain = false
      throw new ServerDownError(error instanceof Error ? error.message : String(error))
    }
  }

  async #data(): Promise<string[]> {
    const all = await this.#db.collection(COLLECTION).find({}, { raw: true }).toArray()
    return all.map((bytes) => describe(bytesOf(bytes))).sort()
  }

  async #prepare({ options, indexes, documents, commands }: Scenario): Promise<void> {
    if (commands.some(({ command }) => [...command.values()].includes(TARGET))) await this.#db.dropCollection(TARGET)
    const special = options.size > 0 || indexes.length > 0
    if (this.#plain && !special) {
      await this.#db.collection(COLLECTION).deleteMany({})
    } else {
      await this.#db.dropCollection(COLLECTION)
      await this.#db.command({ create: COLLECTION, ...Object.fromEntries(options) })
      for (const index of indexes) {
        // An impossible index is refused by both, and the scenario goes on without it.
        await this.#db.command({ createIndexes: COLLECTION, indexes: [index] }).catch(ignoreServerError)
      }
    }
    this.#plain = !special
    // What the rules of the collection refuse, both refuse; the others go in.
    if (documents.length > 0) await this.#db.command({ insert: COLLECTION, documents, ordered: false })
  }

  async #answer(generated: GeneratedCommand): Promise<Answer> {
    const { command } = generated
    if (command.has('createIndexes')) this.#plain = false
    try {
      return readAnswer(command, await this.#db.command(Object.fromEntries(command), EXACT))
    } catch (error) {
      if (!(error instanceof MongoServerError) || isDown(error)) throw error
      if (COLLIDED.test(error.message)) return this.#answer(generated)
      return { error: { code: Number(error.code), message: error.message }, summary: '', documents: [] }
    }
  }
}

function ignoreServerError(error: unknown): void {
  if (!(error instanceof MongoServerError) || isDown(error)) throw error
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError('the driver did not leave the document raw')
}

function readAnswer(command: Doc, reply: Document): Answer {
  const name = [...command.keys()][0]
  switch (name) {
    case 'find':
    case 'aggregate': {
      const batch = field(bytesOf(reply.cursor), 'firstBatch')
      return { summary: '', documents: batch ? describeElements(batch) : [] }
    }
    case 'distinct':
      return { summary: '', documents: describeValues(reply.values).sort() }
    case 'findAndModify': {
      const value = reply.value instanceof Uint8Array ? [describe(reply.value)] : []
      const outcome = describe(bytesOf(reply.lastErrorObject))
      return { summary: outcome.replaceAll(/\b(int|long|double)\(/g, 'number('), documents: value }
    }
    default: {
      const writeErrors = writeErrorOf(reply.writeErrors)
      return {
        ...(writeErrors ? { error: writeErrors } : {}),
        summary: ['n', 'nModified', 'numIndexesBefore', 'numIndexesAfter']
          .filter((key) => key in reply)
          .map((key) => `${key}: ${String(reply[key])}`)
          .join(', '),
        documents: describeValues(reply.upserted ?? []),
      }
    }
  }
}

/** The first of the write errors; the counts tell the rest. */
function writeErrorOf(writeErrors: unknown): ServerError | undefined {
  if (!Array.isArray(writeErrors) || writeErrors.length === 0) return undefined
  const text = describe(bytesOf(writeErrors[0]))
  const code = /"code": (?:int|long|double)\((-?\d+)\)/.exec(text)?.[1]
  const quoted = /"errmsg": ("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
  return { code: Number(code), message: quoted === undefined ? text : String(JSON.parse(quoted)) }
}
