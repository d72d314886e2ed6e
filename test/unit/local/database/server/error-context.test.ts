import type { Collection, Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()

const CAUSE = "Failed to parse number 'x' in $convert with no onError value: Did not consume any digits"
const bad = { $toInt: '$a' }
/** Fails for the second document only. */
const late = { $toInt: { $cond: [{ $lt: ['$_id', 2] }, 1, '$a'] } }

type Run = (docs: Collection<Document>) => Promise<unknown>

const ROWS: readonly [what: string, run: Run, message: string][] = [
  [
    'an aggregation at a document',
    (docs) => docs.aggregate([{ $project: { b: bad } }]).toArray(),
    `PlanExecutor error during aggregation :: caused by :: ${CAUSE}`,
  ],
  [
    'a $group at a document',
    (docs) => docs.aggregate([{ $group: { _id: bad } }]).toArray(),
    `PlanExecutor error during aggregation :: caused by :: ${CAUSE}`,
  ],
  [
    'an aggregation while it optimises',
    (docs) => docs.aggregate([{ $addFields: { b: { $toInt: 'x' } } }]).toArray(),
    `Failed to optimize pipeline :: caused by :: ${CAUSE}`,
  ],
  [
    'an aggregation while it parses',
    (docs) => docs.aggregate([{ $addFields: { b: { $nonsense: 1 } } }]).toArray(),
    "Invalid $addFields :: caused by :: Unrecognized expression '$nonsense'",
  ],
  [
    'a later batch',
    (docs) => docs.aggregate([{ $project: { b: late } }], { batchSize: 1 }).toArray(),
    `Executor error during getMore :: caused by :: ${CAUSE}`,
  ],
  [
    'a find at a document',
    (docs) => docs.find({ $expr: bad }).toArray(),
    `Executor error during find command: error_context.docs :: caused by :: ${CAUSE}`,
  ],
  ['a find while it parses', (docs) => docs.find({ a: { $nonsense: 1 } }).toArray(), 'unknown operator: $nonsense'],
  [
    'a distinct at a document',
    (docs) => docs.distinct('a', { $expr: bad }),
    `Executor error during distinct command :: caused by :: ${CAUSE}`,
  ],
  [
    'a findAndModify at a document',
    (docs) => docs.findOneAndUpdate({}, [{ $set: { b: bad } }]),
    `Plan executor error during findAndModify :: caused by :: ${CAUSE}`,
  ],
  [
    'a findAndModify that makes a duplicate',
    (docs) => docs.findOneAndUpdate({ _id: 3 } as Document, { $setOnInsert: { u: 1 } }, { upsert: true }),
    'Plan executor error during findAndModify :: caused by :: E11000 duplicate key error collection: error_context.docs index: u_1 dup key: { u: 1 }',
  ],
  ['an update at a document', (docs) => docs.updateMany({}, [{ $set: { b: bad } }]), CAUSE],
  [
    '$merge that finds a document',
    (docs) => docs.aggregate([{ $merge: { into: 'docs', whenMatched: 'fail' } }]).toArray(),
    "PlanExecutor error during aggregation :: caused by :: $merge with whenMatched: fail found an existing document with the same values for the 'on' fields :: caused by :: E11000 duplicate key error collection: error_context.docs index: _id_ dup key: { _id: 1 }",
  ],
  [
    '$merge that would change an _id',
    (docs) =>
      docs.aggregate([{ $set: { _id: { $add: ['$_id', 100] } } }, { $merge: { into: 'docs', on: 'u' } }]).toArray(),
    "PlanExecutor error during aggregation :: caused by :: $merge failed to update the matching document, did you attempt to modify the _id or the shard key? :: caused by :: Performing an update on the path '_id' would modify the immutable field '_id'",
  ],
  [
    'a $merge that is misspelt, before anything runs',
    (docs) => docs.aggregate([{ $project: { b: bad } }, { $merge: { into: 'docs', whenever: 1 } }]).toArray(),
    "BSON field '$merge.whenever' is an unknown field.",
  ],
]

describe('errors', () => {
  it.each(ROWS)('say when they came: %s', async (_, run, message) => {
    const docs = database.client.db('error_context').collection<Document>('docs')
    await docs.deleteMany({})
    await docs.createIndex({ u: 1 }, { unique: true })
    await docs.insertMany([{ _id: 1, a: 'x', u: 1 } as Document, { _id: 2, a: 'x', u: 2 } as Document])
    expect((await failure(run(docs))).message).toBe(message)
  })
})
