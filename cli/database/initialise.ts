import type { Db, Document, IndexDescriptionInfo, MongoClient } from 'mongodb'
import { MongoServerError } from 'mongodb'
import type { AppDefinition, JsonObject } from '../../schemas/app/definition.ts'
import { biCollections, biDatabase, type CollectionSpec, type IndexSpec } from '../../schemas/database/collections.ts'

export interface Drift {
  readonly collection: string
  readonly kind: 'index' | 'validator' | 'pre-images'
  /** What is there and what was expected, in one sentence. */
  readonly detail: string
}

export interface InitialiseReport {
  /** `db.collection`, created by this run. */
  collections: string[]
  validators: string[]
  /** `collection: index name`, created by this run. */
  indexes: string[]
  /** What exists and differs; left as it is. */
  drift: Drift[]
}

/**
 * Annotations, and what only App Services understands. A property of that name inside `properties` is no keyword, so
 * those are descended into as they are.
 */
const notForServers = new Set(['validate', 'title', 'description'])

/** What the alias `number` stands for; DocumentDB does not know the alias. */
const numberTypes = ['int', 'long', 'double', 'decimal'] as const

/** The App Services schema as the server's `$jsonSchema`, without what some servers refuse to read. */
function serverSchema(schema: JsonObject): Document {
  const keywords = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(keywords)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, key === 'bsonType' && inner === 'number' ? [...numberTypes] : inner] as const)
        .filter(([key]) => !notForServers.has(key))
        .map(([key, inner]) => [key, key === 'properties' ? byName(inner) : keywords(inner)]),
    )
  }
  const byName = (properties: unknown): unknown =>
    typeof properties === 'object' && properties !== null
      ? Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, keywords(inner)]))
      : properties
  return { $jsonSchema: keywords(schema) }
}

export function indexName(key: IndexSpec['key']): string {
  return Object.entries(key)
    .map(([field, direction]) => `${field}_${direction}`)
    .join('_')
}

function sameOptions(found: IndexDescriptionInfo, spec: IndexSpec): boolean {
  return (
    JSON.stringify(found.key) === JSON.stringify(spec.key) &&
    Boolean(found.unique) === Boolean(spec.unique) &&
    Boolean(found.sparse) === Boolean(spec.sparse) &&
    found.expireAfterSeconds === spec.expireAfterSeconds &&
    JSON.stringify(found.partialFilterExpression ?? null) === JSON.stringify(spec.partialFilterExpression ?? null)
  )
}

async function ensureIndexes(
  db: Db,
  name: string,
  specs: readonly IndexSpec[],
  report: InitialiseReport,
): Promise<void> {
  const collection = db.collection(name)
  const found = await collection.indexes()
  for (const spec of specs) {
    const wanted = indexName(spec.key)
    const sameKey = found.find((index) => JSON.stringify(index.key) === JSON.stringify(spec.key))
    if (sameKey !== undefined) {
      if (!sameOptions(sameKey, spec))
        report.drift.push({
          collection: name,
          kind: 'index',
          detail: `index ${sameKey.name} has other options than ${JSON.stringify(spec)}`,
        })
      continue
    }
    const { key, ...options } = spec
    try {
      await collection.createIndex({ ...key }, { name: wanted, ...options })
      report.indexes.push(`${name}: ${wanted}`)
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error
      report.drift.push({
        collection: name,
        kind: 'index',
        detail:
          error.code === 11000
            ? `unique index ${wanted} cannot be built: the collection holds duplicates`
            : `index ${wanted} cannot be built (${error.codeName ?? error.code})`,
      })
    }
  }
  const known = new Set(['_id_', ...specs.map((spec) => indexName(spec.key))])
  for (const index of found)
    if (!known.has(String(index.name)) && !specs.some((spec) => JSON.stringify(spec.key) === JSON.stringify(index.key)))
      report.drift.push({ collection: name, kind: 'index', detail: `index ${index.name} is not one of ours` })
}

async function ensureValidator(
  db: Db,
  name: string,
  options: Document,
  validator: Document,
  report: InitialiseReport,
): Promise<void> {
  const present = options.validator as Document | undefined
  if (present === undefined || Object.keys(present).length === 0) {
    await db.command({ collMod: name, validator, validationLevel: 'moderate', validationAction: 'error' })
    report.validators.push(`${db.databaseName}.${name}`)
  } else if (JSON.stringify(present) !== JSON.stringify(validator)) {
    report.drift.push({ collection: name, kind: 'validator', detail: 'the validator differs from schema.json' })
  }
}

async function ensurePreImages(db: Db, name: string, options: Document, report: InitialiseReport): Promise<void> {
  const images = options.changeStreamPreAndPostImages as Document | undefined
  if (images?.enabled === true) return
  try {
    await db.command({ collMod: name, changeStreamPreAndPostImages: { enabled: true } })
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error
    // A server without change streams has no use for pre-images; everything else works there.
    report.drift.push({ collection: name, kind: 'pre-images', detail: 'this server keeps no pre-images' })
  }
}

async function ensureCollection(
  db: Db,
  name: string,
  spec: CollectionSpec,
  schema: JsonObject | undefined,
  existing: Map<string, Document>,
  report: InitialiseReport,
): Promise<void> {
  const validator = schema && Object.keys(schema).length > 0 ? serverSchema(schema) : undefined
  let options = existing.get(name)
  if (options === undefined) {
    try {
      await db.createCollection(name, {
        ...(validator ? { validator, validationLevel: 'moderate', validationAction: 'error' } : {}),
      })
      report.collections.push(`${db.databaseName}.${name}`)
      if (validator) report.validators.push(`${db.databaseName}.${name}`)
      options = { validator }
    } catch (error) {
      // Two runs at once: the other one made it, and this one goes on with what is there.
      if (!(error instanceof MongoServerError && error.code === 48)) throw error
      options = (await db.listCollections({ name }, { nameOnly: false }).toArray())[0]?.options ?? {}
    }
  } else if (validator) await ensureValidator(db, name, options, validator, report)
  if (spec.preImages) await ensurePreImages(db, name, options ?? {}, report)
  await ensureIndexes(db, name, spec.indexes, report)
}

/**
 * Creates the collections, validators and indexes of `bi_dashboard`. Running it again changes nothing; what exists and
 * differs is reported, never dropped or overwritten.
 */
export async function initialiseDatabase(client: MongoClient, definition: AppDefinition): Promise<InitialiseReport> {
  const db = client.db(biDatabase)
  const schemas = new Map(
    definition.dataSources
      .flatMap((source) => source.collections)
      .filter((collection) => collection.database === biDatabase)
      .map((collection) => [collection.collection, collection.schema]),
  )
  const existing = new Map(
    (await db.listCollections({}, { nameOnly: false }).toArray()).map((info) => [info.name, info.options ?? {}]),
  )
  const report: InitialiseReport = { collections: [], validators: [], indexes: [], drift: [] }
  for (const [name, spec] of Object.entries(biCollections))
    await ensureCollection(db, name, spec, schemas.get(name), existing, report)
  return report
}
