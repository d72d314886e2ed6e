import type { Document } from 'bson'
import type { Context, MongoServiceCollection, ServiceSession } from '../../runtime/context.ts'

const service = 'mongodb-atlas'
/** A second data source with `secondaryPreferred`: where the app has one, jobs read the raw collections through it. */
const analyticsService = 'mongodb-atlas-analytics'
const database = 'bi_dashboard'

/** The results of one query are capped at this many documents (spec: function runtime 8). */
export const queryCap = 50_000

/** A collection that functions read and write. */
export function collectionOf<T extends object = Document>(context: Context, name: string): MongoServiceCollection<T> {
  return context.services.get(service).db(database).collection<T>(name)
}

/** A session for a transaction over collections of this app. */
export function startSession(context: Context): ServiceSession {
  return context.services.get(service).startSession()
}

/** A raw collection for reading: what is read here was written by others, so a secondary will do. */
export function rawCollectionOf<T extends object = Document>(
  context: Context,
  name: string,
): MongoServiceCollection<T> {
  const analytics: ReturnType<Context['services']['get']> | undefined = context.services.get(analyticsService)
  return (analytics ?? context.services.get(service)).db(database).collection<T>(name)
}

/**
 * The operation of a bulk write that deletes one document. DocumentDB loses every second `deleteOne` of a bulk that the
 * driver may retry, and reports all of them as deleted.
 */
export function deletionOf(_id: unknown): Document {
  return { deleteMany: { filter: { _id } } }
}

/** Everything that matches, in pages of the query cap; in no order. */
export async function readAll(
  collection: MongoServiceCollection<Document>,
  query: Document,
  projection: Document,
): Promise<Document[]> {
  const first = await collection
    .aggregate([{ $match: query }, { $limit: queryCap }, { $project: projection }])
    .toArray()
  if (first.length < queryCap) return first
  return readPages(collection, [{ $match: query }, { $project: projection }])
}

/** The results of a pipeline whose documents have distinct `_id`s, in pages of the query cap. */
export async function readPages(
  collection: MongoServiceCollection<Document>,
  pipeline: Document[],
): Promise<Document[]> {
  const results: Document[] = []
  for (;;) {
    const page = await collection
      .aggregate([...pipeline, { $sort: { _id: 1 } }, { $skip: results.length }, { $limit: queryCap }], {
        allowDiskUse: true,
      })
      .toArray()
    results.push(...page)
    if (page.length < queryCap) return results
  }
}

/** The same for pipelines whose results usually fit one page: they are sorted only when they do not. */
export async function readGroups(
  collection: MongoServiceCollection<Document>,
  pipeline: Document[],
): Promise<Document[]> {
  const first = await collection.aggregate([...pipeline, { $limit: queryCap }], { allowDiskUse: true }).toArray()
  return first.length < queryCap ? first : readPages(collection, pipeline)
}
