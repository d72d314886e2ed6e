import type { Document } from 'mongodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()
const db = () => database.client.db('time_limit')

/** Slow enough, for what takes each document apart: a millisecond is over before the first hundred are. */
beforeAll(async () => {
  const words = 'lorem ipsum dolor sit amet '.repeat(20)
  await db()
    .collection('slow')
    .insertMany(Array.from({ length: 3000 }, (_, n) => ({ n, words, numbers: [1, 2, 3, 4, 5, 6, 7, 8] })))
})

const slow = { $expr: { $eq: [{ $size: { $split: ['$words', ' '] } }, -1] } }
const expired = { code: 50, codeName: 'MaxTimeMSExpired' }

describe('maxTimeMS', () => {
  it.each<[string, Document]>([
    ['find', { find: 'slow', filter: slow }],
    ['count', { count: 'slow', query: slow }],
    ['distinct', { distinct: 'slow', key: 'n', query: slow }],
    [
      'aggregate',
      { aggregate: 'slow', pipeline: [{ $unwind: '$numbers' }, { $group: { _id: '$numbers' } }], cursor: {} },
    ],
    [
      'aggregate within $lookup',
      {
        aggregate: 'slow',
        pipeline: [{ $limit: 1 }, { $lookup: { from: 'slow', pipeline: [{ $match: slow }], as: 'found' } }],
        cursor: {},
      },
    ],
    ['update', { update: 'slow', updates: [{ q: slow, u: { $set: { x: 1 } }, multi: true }] }],
    ['delete', { delete: 'slow', deletes: [{ q: slow, limit: 0 }] }],
    ['findAndModify', { findAndModify: 'slow', query: slow, update: { $set: { x: 1 } } }],
    ['explain', { explain: { find: 'slow', filter: slow, maxTimeMS: 1 }, verbosity: 'executionStats' }],
  ])('ends a %s that takes longer', async (_, command) => {
    expect(await failure(db().command({ ...command, maxTimeMS: 1 }))).toMatchObject(expired)
  })

  it('counts over all batches of a cursor, without the time between them', async () => {
    const cursor = db().collection('slow').find({}, { maxTimeMS: 2000, batchSize: 2 })
    expect(await cursor.next()).not.toBeNull()
    const late = db()
      .collection('slow')
      .find({ $or: [{ n: 0 }, slow] }, { maxTimeMS: 5, batchSize: 1 })
    expect(await late.next()).toMatchObject({ n: 0 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await failure(late.next())).toMatchObject(expired)
    await cursor.close()
  })

  it('leaves what is in time alone, and is checked', async () => {
    expect(await db().collection('slow').countDocuments({}, { maxTimeMS: 60_000 })).toBe(3000)
    expect(await failure(db().command({ count: 'slow', maxTimeMS: -1 }))).toMatchObject({ code: 51024 })
    const { cursor } = await db().command({ find: 'slow', batchSize: 1 })
    expect(await failure(db().command({ getMore: cursor.id, collection: 'slow', maxTimeMS: 5 }))).toMatchObject({
      code: 2,
      message: 'cannot set maxTimeMS on getMore command for a non-awaitData cursor',
    })
  })
})
