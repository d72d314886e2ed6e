import { mongodb } from '@saibotsivad/mongodb'
import axios from 'axios'
import { createMongoDBDataAPI } from 'mongodb-data-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EdgeUnderTest, hostKinds, startEdgeUnderTest, wireApp } from './edge-under-test.ts'

const objectId = expect.stringMatching(/^[0-9a-f]{24}$/)

/** The ten actions, as a client names them. */
interface Client {
  findOne(body: object): Promise<unknown>
  find(body: object): Promise<unknown>
  insertOne(body: object): Promise<unknown>
  insertMany(body: object): Promise<unknown>
  updateOne(body: object): Promise<unknown>
  updateMany(body: object): Promise<unknown>
  replaceOne(body: object): Promise<unknown>
  deleteOne(body: object): Promise<unknown>
  deleteMany(body: object): Promise<unknown>
  aggregate(body: object): Promise<unknown>
}

async function runCrud(client: Client): Promise<unknown[]> {
  return [
    await client.deleteMany({ filter: {} }).then(() => 'emptied'),
    await client.insertOne({ document: { name: 'ann', age: 30 } }),
    await client.insertMany({
      documents: [
        { _id: 'b', name: 'bob', age: 20 },
        { name: 'cyd', age: 40 },
      ],
    }),
    await client.findOne({ filter: { name: 'bob' } }),
    await client.findOne({ filter: { name: 'nobody' } }),
    await client.find({ filter: {}, sort: { age: 1 }, projection: { _id: 0, name: 1 } }),
    await client.updateOne({ filter: { name: 'ann' }, update: { $set: { age: 31 } } }),
    await client.updateMany({ filter: { age: { $gt: 30 } }, update: { $inc: { age: 1 } } }),
    await client.updateOne({ filter: { name: 'dan' }, update: { $set: { age: 1 } }, upsert: true }),
    await client.replaceOne({ filter: { name: 'dan' }, replacement: { name: 'dan' } }),
    await client.aggregate({ pipeline: [{ $group: { _id: null, total: { $sum: '$age' } } }] }),
    await client.deleteOne({ filter: { name: 'dan' } }),
    await client.deleteMany({ filter: {} }),
  ]
}

const expected = [
  'emptied',
  { insertedId: objectId },
  { insertedIds: ['b', objectId] },
  { document: { _id: 'b', name: 'bob', age: 20 } },
  { document: null },
  { documents: [{ name: 'bob' }, { name: 'ann' }, { name: 'cyd' }] },
  { matchedCount: 1, modifiedCount: 1 },
  { matchedCount: 2, modifiedCount: 2 },
  { matchedCount: 0, modifiedCount: 0, upsertedId: objectId },
  { matchedCount: 1, modifiedCount: 1 },
  { documents: [{ _id: null, total: 93 }] },
  { deletedCount: 1 },
  { deletedCount: 3 },
]

describe.each(hostKinds)('Data API clients of others on %s', (kind) => {
  let edge: EdgeUnderTest
  let urlOf: (version: string) => string
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
    urlOf = (version) => `${edge.url}/app/${wireApp}/endpoint/data/${version}`
  })
  afterAll(() => edge?.close())

  const target = (collection: string) => ({ dataSource: 'Cluster0', database: 'wire', collection })

  it.each(['v1', 'beta'])('mongodb-data-api runs its whole CRUD on %s', async (version) => {
    const api = createMongoDBDataAPI({ apiKey: edge.key, urlEndpoint: urlOf(version) })
    const client = api.$cluster('Cluster0').$database('wire').$collection<Record<string, unknown>>('npm-a')
    expect(await runCrud(client as unknown as Client)).toEqual(expected)
  })

  it.each(['v1', 'beta'])('@saibotsivad/mongodb runs its whole CRUD on %s', async (version) => {
    const client = mongodb({ apiKey: edge.key, apiUrl: urlOf(version), ...target('npm-b') })
    expect(await runCrud(client as unknown as Client)).toEqual(expected)
  })

  it('@saibotsivad/mongodb reads both classes of errors', async () => {
    const of = (version: string, apiKey = edge.key) => mongodb({ apiKey, apiUrl: urlOf(version), ...target('npm-b') })
    await expect(of('v1', 'nope').findOne({ filter: {} })).rejects.toMatchObject({
      status: 401,
      title: 'InvalidSession',
      message: 'invalid session: error finding user for endpoint',
    })
    const text = "Failed to insert document: must provide a 'document' field"
    for (const version of ['v1', 'beta'])
      await expect(of(version).insertOne({})).rejects.toMatchObject({ status: 400, message: text })
  })

  it('axios with the key header gets the document', async () => {
    const insert = { ...target('npm-c'), documents: [{ at: 1 }, { at: 3 }, { at: 2 }] }
    const headers = { 'Content-Type': 'application/json', 'api-key': edge.key }
    await axios.post(`${urlOf('v1')}/action/deleteMany`, { ...target('npm-c'), filter: {} }, { headers })
    await axios.post(`${urlOf('v1')}/action/insertMany`, insert, { headers })
    const body = { ...target('npm-c'), sort: { at: -1 } }
    const { data } = await axios.post(`${urlOf('v1')}/action/findOne`, body, { headers })
    expect(data).toEqual({ document: { _id: objectId, at: 3 } })
  })
})
