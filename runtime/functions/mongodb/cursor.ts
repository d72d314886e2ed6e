import type { Document } from 'bson'
import type { DocumentCursor, ReadOptions } from '../../data/data-access.ts'
import type { Invocation } from '../invocation.ts'
import { toFunctionValue, toStoredDocument } from '../values.ts'
import { toServiceError } from './errors.ts'

/**
 * Cursor of `find` and `aggregate`. Not thenable, so that `await collection.find()` is still a cursor; one that a
 * function returns becomes an array.
 */
export class FunctionCursor {
  readonly #invocation: Invocation
  readonly #open: (options: ReadOptions) => DocumentCursor
  readonly #options: ReadOptions
  readonly #transforms: readonly ((document: unknown) => unknown)[]
  #source: DocumentCursor | undefined
  #release: (() => void) | undefined
  #buffered: { value: unknown } | undefined
  #finished = false

  constructor(
    invocation: Invocation,
    open: (options: ReadOptions) => DocumentCursor,
    options: ReadOptions,
    transforms: readonly ((document: unknown) => unknown)[] = [],
  ) {
    this.#invocation = invocation
    this.#open = open
    this.#options = options
    this.#transforms = transforms
  }

  sort(sort: unknown, direction?: unknown): this {
    this.#assertUnread()
    this.#options.sort = typeof sort === 'string' ? { [sort]: direction ?? 1 } : toStoredDocument(sort, 'sort')
    return this
  }

  limit(limit: number): this {
    this.#assertUnread()
    this.#options.limit = limit
    return this
  }

  skip(skip: number): this {
    this.#assertUnread()
    this.#options.skip = skip
    return this
  }

  project(projection: unknown): this {
    this.#assertUnread()
    this.#options.projection = toStoredDocument(projection, 'projection')
    return this
  }

  /** A cursor over `transform(document)`. */
  map(transform: (document: unknown) => unknown): FunctionCursor {
    this.#assertUnread()
    return new FunctionCursor(this.#invocation, this.#open, this.#options, [...this.#transforms, transform])
  }

  /** The next document, or undefined when exhausted. */
  async next(): Promise<unknown> {
    const buffered = this.#buffered
    this.#buffered = undefined
    return (buffered ?? (await this.#fetch()))?.value
  }

  async hasNext(): Promise<boolean> {
    this.#buffered ??= await this.#fetch()
    return this.#buffered !== undefined
  }

  async toArray(): Promise<unknown[]> {
    const documents: unknown[] = []
    for await (const document of this) documents.push(document)
    return documents
  }

  /** Calls `visit` for each document in order, awaiting it; false ends the loop. */
  async forEach(visit: (document: unknown, index: number) => unknown): Promise<void> {
    let index = 0
    for await (const document of this) {
      if ((await visit(document, index)) === false) return
      index += 1
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, void> {
    try {
      while (await this.hasNext()) yield await this.next()
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    this.#finished = true
    this.#release?.()
    await this.#source?.close()
  }

  async #fetch(): Promise<{ value: unknown } | undefined> {
    if (this.#finished) return undefined
    let document: Document | null
    try {
      document = await this.#nextOf(this.#source)
    } catch (error) {
      this.#finished = true
      throw toServiceError(error)
    }
    if (document === null) {
      await this.close()
      return undefined
    }
    return { value: this.#transforms.reduce((value, transform) => transform(value), toFunctionValue(document)) }
  }

  /** The whole read counts as one asynchronous operation. */
  #nextOf(source: DocumentCursor | undefined): Promise<Document | null> {
    if (source === undefined)
      return this.#invocation.run(async () => {
        const opened = this.#open(this.#options)
        this.#source = opened
        this.#release = this.#invocation.onFinish(() => opened.close())
        return opened.next()
      })
    return this.#invocation.proceed(() => source.next())
  }

  #assertUnread(): void {
    if (this.#source !== undefined || this.#finished) throw new Error('the cursor has already been read from')
  }
}
