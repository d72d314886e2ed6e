import type { SoakApp } from './soak-app.ts'

const writers = 4
const readers = 2
const pauseMs = 5

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Target {
  readonly url: string
  readonly app: SoakApp
  /** A server API key. */
  readonly key: string
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: unknown
}

/** Clients of the Data API that insert and read, each one call at a time, and judge every answer. */
export class Load {
  /** Ids whose insertion was answered with success, at whichever attempt. */
  readonly acknowledged = new Set<number>()
  /** Answers that are neither right nor a 503 with `Retry-After`. */
  readonly wrong: unknown[] = []
  unavailable = 0
  /** How long the slowest answer took, in milliseconds. */
  slowestMs = 0
  readonly #target: Target
  #next = 0
  #running = true
  #clients: Promise<void>[] = []

  constructor(target: Target) {
    this.#target = target
  }

  start(): void {
    for (let n = 0; n < writers; n++) this.#clients.push(this.#write())
    for (let n = 0; n < readers; n++) this.#clients.push(this.#read())
  }

  /** Ends the clients; writes that were begun are repeated until they are answered with success. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients)
  }

  async #write(): Promise<void> {
    while (this.#running) {
      const id = this.#next++
      for (let attempt = 0; ; attempt++) {
        const answer = await this.#act('insertOne', { document: { _id: id, seq: 1 } })
        if (answer.status === 201 && isEqual(answer.body, { insertedId: id })) break
        // Written by an attempt whose answer was lost.
        if (attempt > 0 && answer.status === 400 && JSON.stringify(answer.body).includes('E11000')) break
        if (!this.#isUnavailable(answer)) {
          this.wrong.push({ id, attempt, ...answer })
          return
        }
        await sleep(200)
      }
      this.acknowledged.add(id)
      await sleep(pauseMs)
    }
  }

  async #read(): Promise<void> {
    while (this.#running) {
      await sleep(pauseMs)
      const ids = [...this.acknowledged]
      const id = ids[Math.floor(Math.random() * ids.length)]
      if (id === undefined) continue
      const answer = await this.#act('findOne', { filter: { _id: id } })
      const isRight = answer.status === 200 && isEqual(answer.body, { document: { _id: id, seq: 1 } })
      if (!isRight && !this.#isUnavailable(answer)) this.wrong.push({ read: id, ...answer })
    }
  }

  #isUnavailable({ status, retryAfter }: Answer): boolean {
    const isUnavailable = status === 503 && /^[1-9]\d*$/.test(retryAfter ?? '')
    if (isUnavailable) this.unavailable++
    return isUnavailable
  }

  async #act(action: string, fields: object): Promise<Answer> {
    const { url, app, key } = this.#target
    const target = { dataSource: 'mongodb-atlas', database: app.database, collection: 'source' }
    const began = performance.now()
    try {
      const response = await fetch(`${url}/app/${app.clientAppId}/endpoint/data/v1/action/${action}`, {
        method: 'POST',
        headers: { apiKey: key, 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify({ ...target, ...fields }),
      })
      return {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        body: JSON.parse(await response.text()),
      }
    } catch (error) {
      return { status: 0, retryAfter: null, body: `${error}: ${error instanceof Error ? error.cause : ''}` }
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
    }
  }
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
