import type { Document } from 'bson'

/** What one `find(...)` of a bulk operation offers next. */
class BulkFind {
  readonly #add: (operation: Document) => void
  readonly #filter: unknown
  #upsert = false

  constructor(add: (operation: Document) => void, filter: unknown) {
    this.#add = add
    this.#filter = filter
  }

  upsert(): this {
    this.#upsert = true
    return this
  }

  update(update: unknown): void {
    this.#add({ updateMany: { filter: this.#filter, update, upsert: this.#upsert } })
  }

  updateOne(update: unknown): void {
    this.#add({ updateOne: { filter: this.#filter, update, upsert: this.#upsert } })
  }

  replaceOne(replacement: unknown): void {
    this.#add({ replaceOne: { filter: this.#filter, replacement, upsert: this.#upsert } })
  }

  delete(): void {
    this.#add({ deleteMany: { filter: this.#filter } })
  }

  deleteOne(): void {
    this.#add({ deleteOne: { filter: this.#filter } })
  }

  remove(): void {
    this.delete()
  }

  removeOne(): void {
    this.deleteOne()
  }
}

/** `initializeOrderedBulkOp()` and its unordered sibling: collects operations for one `bulkWrite`. */
export class BulkOperation {
  readonly #operations: Document[] = []
  readonly #execute: (operations: Document[], options: unknown) => Promise<null>

  constructor(execute: (operations: Document[], options: unknown) => Promise<null>) {
    this.#execute = execute
  }

  insert(document: unknown): this {
    this.#operations.push({ insertOne: { document } })
    return this
  }

  find(filter: unknown): BulkFind {
    return new BulkFind((operation) => this.#operations.push(operation), filter)
  }

  execute(options?: unknown): Promise<null> {
    return this.#execute(this.#operations, options)
  }
}
