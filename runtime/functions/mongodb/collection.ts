import type { DataAccess, Namespace, UpdateOutcome } from '../../data/data-access.ts'
import type { Invocation } from '../invocation.ts'
import { toFunctionValue, toStoredDocument } from '../values.ts'
import { BulkOperation } from './bulk.ts'
import { FunctionCursor } from './cursor.ts'
import { notAvailable, toServiceError } from './errors.ts'
import {
  bulkOptions,
  documentList,
  filterArgument,
  findAndModifyOptions,
  readOptions,
  updateArgument,
  writeOptions,
} from './options.ts'

/** Where a service call goes and on whose behalf. */
export interface ServiceScope {
  readonly invocation: Invocation
  readonly data: DataAccess
}

/** A collection as functions use it: the service's own signatures and return shapes (spec: function runtime 5). */
export class FunctionCollection {
  readonly #scope: ServiceScope
  readonly #namespace: Namespace

  constructor(scope: ServiceScope, namespace: Namespace) {
    this.#scope = scope
    this.#namespace = namespace
  }

  get name(): string {
    return this.#namespace.collection
  }

  find(query?: unknown, projection?: unknown, options?: unknown): FunctionCursor {
    const filter = filterArgument(query)
    const { data, invocation } = this.#scope
    return new FunctionCursor(
      invocation,
      (given) => data.find(this.#namespace, filter, given),
      readOptions(projection, options),
    )
  }

  findOne(query?: unknown, projection?: unknown, options?: unknown): Promise<unknown> {
    return this.#run((data) => data.findOne(this.#namespace, filterArgument(query), readOptions(projection, options)))
  }

  aggregate(pipeline?: unknown, options?: unknown): FunctionCursor {
    const stages = documentList(pipeline ?? [], 'the pipeline')
    const { data, invocation } = this.#scope
    return new FunctionCursor(
      invocation,
      ({ sort, skip, limit, projection, ...given }) =>
        data.aggregate(
          this.#namespace,
          [
            ...stages,
            ...(sort === undefined ? [] : [{ $sort: sort }]),
            ...(skip === undefined ? [] : [{ $skip: skip }]),
            ...(limit === undefined ? [] : [{ $limit: limit }]),
            ...(projection === undefined ? [] : [{ $project: projection }]),
          ],
          given,
        ),
      readOptions(undefined, options ?? {}),
    )
  }

  count(query?: unknown, options?: unknown): Promise<unknown> {
    return this.#run((data) =>
      data.count(this.#namespace, filterArgument(query), readOptions(undefined, options ?? {})),
    )
  }

  countDocuments(query?: unknown, options?: unknown): Promise<unknown> {
    return this.count(query, options)
  }

  estimatedDocumentCount(options?: unknown): Promise<unknown> {
    return this.count({}, options)
  }

  distinct(field: string, query?: unknown, options?: unknown): Promise<unknown> {
    return this.#run((data) =>
      data.distinct(this.#namespace, String(field), filterArgument(query), readOptions(undefined, options ?? {})),
    )
  }

  insertOne(document: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) => {
      const stored = toStoredDocument(document, 'the document')
      const { insertedId } = await data.insertOne(this.#namespace, stored, writeOptions(options))
      return { insertedId }
    })
  }

  insertMany(documents: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) => {
      const stored = documentList(documents, 'the documents')
      const { insertedIds } = await data.insertMany(this.#namespace, stored, bulkOptions(options))
      return { insertedIds }
    })
  }

  updateOne(query: unknown, update: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) =>
      updateResult(
        await data.updateOne(this.#namespace, filterArgument(query), updateArgument(update), writeOptions(options)),
      ),
    )
  }

  updateMany(query: unknown, update: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) =>
      updateResult(
        await data.updateMany(this.#namespace, filterArgument(query), updateArgument(update), writeOptions(options)),
      ),
    )
  }

  replaceOne(query: unknown, replacement: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) =>
      updateResult(
        await data.replaceOne(
          this.#namespace,
          filterArgument(query),
          toStoredDocument(replacement, 'the replacement'),
          writeOptions(options),
        ),
      ),
    )
  }

  deleteOne(query?: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) => {
      const { deletedCount } = await data.deleteOne(this.#namespace, filterArgument(query), writeOptions(options))
      return { deletedCount }
    })
  }

  deleteMany(query?: unknown, options?: unknown): Promise<unknown> {
    return this.#write(async (data) => {
      const { deletedCount } = await data.deleteMany(this.#namespace, filterArgument(query), writeOptions(options))
      return { deletedCount }
    })
  }

  findOneAndUpdate(query: unknown, update: unknown, options?: unknown): Promise<unknown> {
    return this.#write((data) =>
      data.findOneAndUpdate(
        this.#namespace,
        filterArgument(query),
        updateArgument(update),
        findAndModifyOptions(options),
      ),
    )
  }

  findOneAndReplace(query: unknown, replacement: unknown, options?: unknown): Promise<unknown> {
    return this.#write((data) =>
      data.findOneAndReplace(
        this.#namespace,
        filterArgument(query),
        toStoredDocument(replacement, 'the replacement'),
        findAndModifyOptions(options),
      ),
    )
  }

  findOneAndDelete(query: unknown, options?: unknown): Promise<unknown> {
    return this.#write((data) =>
      data.findOneAndDelete(this.#namespace, filterArgument(query), findAndModifyOptions(options)),
    )
  }

  bulkWrite(operations: unknown, options?: unknown): Promise<null> {
    return this.#write(async (data) => {
      await data.bulkWrite(this.#namespace, documentList(operations, 'the operations'), bulkOptions(options))
      return null
    }) as Promise<null>
  }

  initializeOrderedBulkOp(): BulkOperation {
    return new BulkOperation((operations, options) => this.bulkWrite(operations, { ...Object(options), ordered: true }))
  }

  initializeUnorderedBulkOp(): BulkOperation {
    return new BulkOperation((operations, options) =>
      this.bulkWrite(operations, { ...Object(options), ordered: false }),
    )
  }

  watch(): never {
    throw notAvailable('collection.watch()', 'use a database trigger')
  }

  createIndex(): Promise<unknown> {
    return this.#refuse('createIndex', 'create indexes with a MongoDB tool')
  }

  createIndexes(): Promise<unknown> {
    return this.#refuse('createIndexes', 'create indexes with a MongoDB tool')
  }

  dropIndex(): Promise<unknown> {
    return this.#refuse('dropIndex', 'drop indexes with a MongoDB tool')
  }

  drop(): Promise<unknown> {
    return this.#refuse('drop', 'use deleteMany({}), or a MongoDB tool')
  }

  rename(): Promise<unknown> {
    return this.#refuse('rename', 'rename collections with a MongoDB tool')
  }

  #refuse(method: string, hint: string): Promise<unknown> {
    return this.#run(() => Promise.reject(notAvailable(`collection.${method}()`, hint)))
  }

  #write(operation: (data: DataAccess) => Promise<unknown>): Promise<unknown> {
    this.#scope.invocation.onWrite?.(this.#namespace)
    return this.#run(operation)
  }

  #run(operation: (data: DataAccess) => Promise<unknown>): Promise<unknown> {
    return this.#scope.invocation.run(async () => {
      try {
        return toFunctionValue(await operation(this.#scope.data))
      } catch (error) {
        throw toServiceError(error)
      }
    })
  }
}

function updateResult({ matchedCount, modifiedCount, upsertedId }: UpdateOutcome): UpdateOutcome {
  return { matchedCount, modifiedCount, ...(upsertedId === undefined ? {} : { upsertedId }) }
}
