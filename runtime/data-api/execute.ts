import type { Document } from 'bson'
import type { Caller } from '../caller.ts'
import type { DataAccess, Namespace, UpdateOutcome } from '../data/data-access.ts'
import { assertNotOwnState } from '../data/reserved-databases.ts'
import type { Runtime } from '../runtime.ts'
import { ActionError, type ActionName, toActionError } from './action-error.ts'
import { ActionFields } from './fields.ts'
import { defaultFindLimit } from './limits.ts'
import { type ActionResult, countField, documentResult, documentsResult, fieldsResult } from './result.ts'

/**
 * Runs one of the ten actions of the Data API as a caller (spec: Data API 4).
 *
 * @param body the request's body, parsed by `parseEjsonDocument`
 * @throws {ActionError} when the action fails: bad fields, the server's or a role's refusal
 * @throws {AppError} `NoMatchingRuleFound` (403); 503 when the database does not answer
 */
export async function executeAction(
  runtime: Runtime,
  caller: Caller,
  action: ActionName,
  body: Document,
): Promise<ActionResult> {
  try {
    const fields = new ActionFields(action, body)
    const ns = readNamespace(runtime, action, fields)
    return await actions[action](runtime.dataAccess(caller), ns, fields)
  } catch (error) {
    throw toActionError(action, error)
  }
}

function readNamespace(runtime: Runtime, action: ActionName, fields: ActionFields): Namespace {
  const dataSource = fields.requiredText('dataSource')
  const database = fields.requiredText('database')
  const collection = fields.requiredText('collection')
  const { dataSources } = runtime.built.definition
  const source =
    dataSources.find(({ name }) => name === dataSource) ??
    dataSources.find(({ clusterName }) => clusterName === dataSource)
  if (!source) throw new ActionError(action, `no data source named '${dataSource}'`)
  const ns = { service: source.name, database, collection }
  assertNotOwnState(runtime, ns)
  return ns
}

type Action = (data: DataAccess, ns: Namespace, fields: ActionFields) => Promise<ActionResult>

const actions: Record<ActionName, Action> = {
  async findOne(data, ns, fields) {
    const cursor = data.findEncoded(ns, fields.document('filter') ?? {}, { ...readOptions(fields), limit: 1 })
    const document = await cursor.next()
    await cursor.close()
    return documentResult(document)
  },

  async find(data, ns, fields) {
    const options = { ...readOptions(fields), limit: fields.count('limit') || defaultFindLimit }
    const skip = fields.count('skip')
    const paged = skip ? { ...options, skip } : options
    return documentsResult(data.findEncoded(ns, fields.document('filter') ?? {}, paged))
  },

  async insertOne(data, ns, fields) {
    const { insertedId } = await data.insertOne(ns, fields.requiredDocument('document'))
    return fieldsResult({ insertedId }, true)
  },

  async insertMany(data, ns, fields) {
    const { insertedIds } = await data.insertMany(ns, fields.requiredDocuments('documents'))
    return fieldsResult({ insertedIds }, true)
  },

  async updateOne(data, ns, fields) {
    return updateResult(await data.updateOne(ns, ...updateArguments(fields)))
  },

  async updateMany(data, ns, fields) {
    return updateResult(await data.updateMany(ns, ...updateArguments(fields)))
  },

  async replaceOne(data, ns, fields) {
    // As for deletes, a missing filter must not pick a document by chance.
    const filter = fields.requiredDocument('filter')
    const replacement = fields.requiredDocument('replacement')
    return updateResult(await data.replaceOne(ns, filter, replacement, { upsert: fields.flag('upsert') }))
  },

  async deleteOne(data, ns, fields) {
    // The schema leaves `filter` optional; everything may be deleted only by an explicit `{}`.
    const { deletedCount } = await data.deleteOne(ns, fields.requiredDocument('filter'))
    return fieldsResult({ deletedCount: countField(deletedCount) })
  },

  async deleteMany(data, ns, fields) {
    const { deletedCount } = await data.deleteMany(ns, fields.requiredDocument('filter'))
    return fieldsResult({ deletedCount: countField(deletedCount) })
  },

  async aggregate(data, ns, fields) {
    return documentsResult(data.aggregateEncoded(ns, fields.requiredDocuments('pipeline')))
  },
}

function readOptions(fields: ActionFields): { projection?: Document; sort?: Document } {
  const projection = fields.document('projection')
  const sort = fields.document('sort')
  return { ...(projection ? { projection } : {}), ...(sort ? { sort } : {}) }
}

function updateArguments(fields: ActionFields): [Document, Document | Document[], { upsert: boolean }] {
  return [fields.requiredDocument('filter'), fields.requiredUpdate('update'), { upsert: fields.flag('upsert') }]
}

function updateResult({ matchedCount, modifiedCount, ...upserted }: UpdateOutcome): ActionResult {
  return fieldsResult({
    matchedCount: countField(matchedCount),
    modifiedCount: countField(modifiedCount),
    ...upserted,
  })
}
