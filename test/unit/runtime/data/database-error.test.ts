import { type Document, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDatabase, startDatabase } from '../../../../local/database/main.ts'
import { callDatabase } from '../../../../runtime/data/database-error.ts'

describe('a call whose connection breaks, at its retry too', () => {
  let database: RunningDatabase
  let client: MongoClient
  beforeAll(async () => {
    database = await startDatabase({ port: 0 })
    client = new MongoClient(database.uri)
  })
  afterAll(async () => {
    await client.close()
    await database.close()
  })

  const things = () => client.db('broken').collection<Document>('things')

  it.each<[command: string, call: () => Promise<unknown>]>([
    ['find', () => things().findOne()],
    ['insert', () => things().insertOne({ x: 1 })],
    ['insert', () => things().insertMany([{ x: 1 }, { x: 2 }])],
    ['update', () => things().updateOne({}, { $set: { x: 1 } })],
    ['delete', () => things().deleteMany({})],
    ['insert', () => things().bulkWrite([{ insertOne: { document: { x: 1 } } }])],
  ])('is the database being away: %s', async (command, call) => {
    await client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: 2 },
      data: { failCommands: [command], closeConnection: true },
    })
    const answer = await callDatabase(call).catch((error) => error)
    await client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })
    expect(answer).toMatchObject({ code: 'MongoDBError', status: 503, message: 'database unavailable' })
  })
})

describe('an error that tells of the connection', () => {
  it.each([
    ['PoolClearedOnNetworkError', 503],
    ['MongoPoolClearedError', 503],
    ['MongoNetworkTimeoutError', 503],
    ['MongoParseError', undefined],
  ])('%s has the status %s', async (name, status) => {
    const thrown = Object.assign(new Error('Connection to 127.0.0.1:27017 interrupted'), { name })
    const answer = await callDatabase(() => Promise.reject(thrown)).catch((error) => error)
    expect([answer.code, answer.status]).toEqual(['MongoDBError', status])
  })
})

describe('a broken socket that the driver passes on as it is', () => {
  it.each([
    ['EPIPE', 503],
    ['ECONNRESET', 503],
    ['ETIMEDOUT', 503],
    ['ERR_STREAM_DESTROYED', 503],
    ['ERR_INVALID_ARG_TYPE', undefined],
  ])('%s has the status %s', async (code, status) => {
    const thrown = Object.assign(new Error('This socket has been ended by the other party'), { code })
    const answer = await callDatabase(() => Promise.reject(thrown)).catch((error) => error)
    expect([answer.code, answer.status]).toEqual(['MongoDBError', status])
  })
})
