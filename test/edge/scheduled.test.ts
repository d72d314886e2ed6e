import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedEdge, serveWire } from '../contract/edge-under-test.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'

describe('the cron of the Worker', () => {
  let database: TestDatabase
  let edge: ServedEdge
  let client: MongoClient
  beforeAll(async () => {
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    edge = await serveWire('workerd', database.uri)
  })
  afterAll(async () => {
    await client?.close()
    await edge?.close()
    await database?.close()
  })

  it('runs the triggers that are due', async () => {
    const ticks = client.db('wire').collection('ticks')
    await ticks.deleteMany({})
    await edge.runScheduled?.()
    await expect.poll(() => ticks.countDocuments(), { timeout: 10_000 }).toBeGreaterThan(0)
  })
})
