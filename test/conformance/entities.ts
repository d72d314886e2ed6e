import {
  AbstractCursor,
  ChangeStream,
  ClientSession,
  Db,
  GridFSBucket,
  MongoClient,
  type MongoClientOptions,
} from 'mongodb'
import { InvalidTestError, MissingFeatureError } from './errors.ts'
import { EventLog } from './events.ts'
import { type ClientDescription, type EntityDescription, isJson, type Json } from './format.ts'
import type { MatchEntities } from './match.ts'
import { assertNoTimeouts, toDriverOptions } from './options.ts'

/** Runs queued operations one after the other, beside the test's own sequence. */
export class OperationThread {
  #work: Promise<void> = Promise.resolve()

  queue(run: () => Promise<void>): void {
    this.#work = this.#work.then(run)
    // The failure is reported by `finish`; until then nobody listens.
    this.#work.catch(() => {})
  }

  /** @throws what the first failing operation threw */
  finish(): Promise<void> {
    return this.#work
  }
}

type Constructor<T> = abstract new (...args: never[]) => T

/** The entity map of one test: clients, databases, collections, sessions, buckets, cursors, threads, event lists and saved values. */
export class Entities implements MatchEntities {
  readonly #uri: string
  readonly #entities = new Map<string, unknown>()
  readonly #logs = new Map<string, EventLog>()

  constructor(uri: string) {
    this.#uri = uri
  }

  async create(descriptions: readonly EntityDescription[]): Promise<void> {
    for (const description of descriptions) await this.#create(description)
  }

  async #create({ client, database, collection, session, bucket, thread }: EntityDescription): Promise<void> {
    if (client) await this.#createClient(client)
    else if (database) {
      const options = optionsOf(database.databaseOptions)
      this.set(database.id, this.get(database.client, MongoClient).db(database.databaseName, options))
    } else if (collection) {
      const options = optionsOf(collection.collectionOptions)
      this.set(collection.id, this.get(collection.database, Db).collection(collection.collectionName, options))
    } else if (session) {
      const { snapshotTime, ...options } = optionsOf(session.sessionOptions)
      const started = this.get(session.client, MongoClient).startSession(options)
      // The driver has no such option yet; it sends what the session has come to hold, however it came to it.
      if (snapshotTime !== undefined) Object.assign(started, { snapshotTime: this.value(String(snapshotTime)) })
      this.set(session.id, started)
    } else if (bucket) {
      const options = optionsOf(bucket.bucketOptions)
      this.set(bucket.id, new GridFSBucket(this.get(bucket.database, Db), options))
    } else if (thread) this.set(thread.id, new OperationThread())
    else throw new MissingFeatureError('client-side encryption')
  }

  async #createClient(description: ClientDescription): Promise<void> {
    const { id, serverApi } = description
    if (description.autoEncryptOpts !== undefined) throw new MissingFeatureError('client-side encryption')
    if (description.observeLogMessages !== undefined) throw new MissingFeatureError('log messages')
    if (description.observeTracingMessages !== undefined) throw new MissingFeatureError('tracing')
    assertNoTimeouts(description.uriOptions)
    const options: MongoClientOptions = {
      monitorCommands: true,
      // Recovery after a fail point that closes the connection waits this long; the default is 500 ms.
      minHeartbeatFrequencyMS: 50,
      serverSelectionTimeoutMS: 10_000,
      // The driver's ping on connect would be one connection check-out more than test files expect.
      __skipPingOnConnect: true,
      // The driver judges the version itself.
      ...(serverApi ? { serverApi: { ...serverApi } } : {}),
    } as MongoClientOptions
    const client = new MongoClient(withUriOptions(this.#uri, description.uriOptions), options)
    const log = new EventLog(client, {
      observeEvents: description.observeEvents ?? [],
      ignoreCommandMonitoringEvents: description.ignoreCommandMonitoringEvents ?? [],
      observeSensitiveCommands: description.observeSensitiveCommands ?? false,
    })
    this.#logs.set(id, log)
    this.set(id, client)
    for (const { id: list, events } of description.storeEventsAsEntities ?? []) this.set(list, log.storeEvents(events))
    await client.connect()
    if (description.awaitMinPoolSizeMS !== undefined) {
      await this.#awaitMinPoolSize(client, description.awaitMinPoolSizeMS)
    }
  }

  async #awaitMinPoolSize(client: MongoClient, timeoutMs: number): Promise<void> {
    const wanted = client.options.minPoolSize
    const deadline = Date.now() + timeoutMs
    let ready = 0
    client.on('connectionReady', () => {
      ready++
    })
    while (ready < wanted && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** @throws {InvalidTestError} when the name is taken */
  set(id: string, entity: unknown): void {
    if (this.#entities.has(id)) throw new InvalidTestError(`entity ${id} exists`)
    this.#entities.set(id, entity)
  }

  /** @throws {InvalidTestError} when there is no entity of that name */
  value(id: string): unknown {
    if (!this.#entities.has(id)) throw new InvalidTestError(`no entity ${id}`)
    return this.#entities.get(id)
  }

  /** @throws {InvalidTestError} when there is no entity of that name and class */
  get<T>(id: unknown, type: Constructor<T>): T {
    const entity = this.value(String(id))
    if (!(entity instanceof type)) throw new InvalidTestError(`entity ${String(id)} is no ${type.name}`)
    return entity
  }

  eventLog(clientId: unknown): EventLog {
    const log = this.#logs.get(String(clientId))
    if (!log) throw new InvalidTestError(`no client ${String(clientId)}`)
    return log
  }

  sessionLsid(id: string): unknown {
    return this.get(id, ClientSession).id
  }

  stopObserving(): void {
    for (const log of this.#logs.values()) log.stop()
  }

  /** Ends cursors, sessions and clients, in this order; a connection that a test broke is no failure of the test. */
  async close(): Promise<void> {
    const all = [...this.#entities.values()]
    for (const entity of all) {
      if (entity instanceof ChangeStream || entity instanceof AbstractCursor) await entity.close().catch(() => {})
    }
    for (const entity of all) if (entity instanceof ClientSession) await entity.endSession().catch(() => {})
    for (const entity of all) if (entity instanceof MongoClient) await entity.close().catch(() => {})
    this.#entities.clear()
  }
}

function optionsOf(given: Json | undefined): Json {
  assertNoTimeouts(given)
  return toDriverOptions(given)
}

/** `uriOptions` override those of the connection string; `readPreferenceTags` is an array of tag sets. */
export function withUriOptions(uri: string, options: Json = {}): string {
  const [base = '', query = ''] = uri.split('?', 2)
  const parameters = new URLSearchParams(query)
  if (options.directConnection === true) parameters.delete('replicaSet')
  for (const [name, value] of Object.entries(options)) {
    if (isJson(value) && '$$placeholder' in value) continue
    for (const known of [...parameters.keys()]) if (known.toLowerCase() === name.toLowerCase()) parameters.delete(known)
    for (const single of Array.isArray(value) ? value : [value]) parameters.append(name, String(single))
  }
  const path = base.replace(/^mongodb(\+srv)?:\/\/[^/]*$/, (text) => `${text}/`)
  return parameters.size === 0 ? path : `${path}?${parameters}`
}
