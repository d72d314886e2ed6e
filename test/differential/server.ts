import { type Db, type Document, MongoClient, MongoServerError } from 'mongodb'
import { COLLECTION } from './generate/collection-name.ts'
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

/** Keeps every BSON type and leaves embedded documents as their bytes. */
const EXACT = { raw: true, promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const

/** One of the two servers, with a database of its own that is dropped at the end. */
export class DifferentialServer {
  readonly #client: MongoClient
  readonly #db: Db
  /** The collection has no options and no indexes. */
  #plain = false

  constructor(uri: string, databaseName: string) {
    this.#client = new MongoClient(uri, { ignoreUndefined: false, retryWrites: false })
    this.#db = this.#client.db(databaseName)
  }

  async close(): Promise<void> {
    await this.#db.dropDatabase()
    await this.#client.close()
  }

  /**
   * Runs a scenario from the start.
   *
   * @param digits see {@link describe}
   */
  async observe(scenario: Scenario, digits?: number): Promise<Observation> {
    await this.#prepare(scenario)
    const answers: Answer[] = []
    for (const generated of scenario.commands) answers.push(await this.#answer(generated, digits))
    const all = await this.#db.collection(COLLECTION).find({}, { raw: true }).toArray()
    const data = all.map((bytes) => describe(bytesOf(bytes), digits)).sort()
    return { answers, data }
  }

  async #prepare({ options, indexes, documents }: Scenario): Promise<void> {
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
    for (const document of documents) {
      await this.#db.command({ insert: COLLECTION, documents: [document] }).catch(ignoreServerError)
    }
  }

  async #answer({ command }: GeneratedCommand, digits?: number): Promise<Answer> {
    if (command.has('createIndexes')) this.#plain = false
    try {
      return readAnswer(command, await this.#db.command(Object.fromEntries(command), EXACT), digits)
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error
      return { error: { code: Number(error.code), message: error.message }, summary: '', documents: [] }
    }
  }
}

function ignoreServerError(error: unknown): void {
  if (!(error instanceof MongoServerError)) throw error
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError('the driver did not leave the document raw')
}

function readAnswer(command: Doc, reply: Document, digits?: number): Answer {
  const name = [...command.keys()][0]
  switch (name) {
    case 'find':
    case 'aggregate': {
      const batch = field(bytesOf(reply.cursor), 'firstBatch')
      return { summary: '', documents: batch ? describeElements(batch, digits) : [] }
    }
    case 'distinct':
      return { summary: '', documents: describeValues(reply.values, digits).sort() }
    case 'findAndModify': {
      const value = reply.value instanceof Uint8Array ? [describe(reply.value, digits)] : []
      const outcome = describe(bytesOf(reply.lastErrorObject), digits)
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
        documents: describeValues(reply.upserted ?? [], digits),
      }
    }
  }
}

/** The first of the write errors; the counts tell the rest. */
function writeErrorOf(writeErrors: unknown): ServerError | undefined {
  if (!Array.isArray(writeErrors) || writeErrors.length === 0) return undefined
  const text = describe(bytesOf(writeErrors[0]))
  const code = /"code": (?:int|long|double)\((-?\d+)\)/.exec(text)?.[1]
  return { code: Number(code), message: /"errmsg": ("(?:[^"\\]|\\.)*")/.exec(text)?.[1] ?? text }
}
