import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Collection, type Document, MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { fillLarge } from '../support/large-collection.ts'
import { type ServedDatabase, serveDatabase } from '../support/served-database.ts'

const DOCUMENTS = 200_000
const LIMIT_BYTES = 1024 ** 3
const MEGABYTE = 1024 ** 2

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'memory-'))
  folders.push(folder)
  return folder
}

async function withDatabase(
  folder: string | undefined,
  use: (collection: Collection<Document>, served: ServedDatabase) => Promise<void>,
): Promise<void> {
  const served = await serveDatabase(folder)
  const client = new MongoClient(served.uri)
  try {
    await use(client.db('memory').collection('documents'), served)
  } finally {
    await client.close()
    await served.close()
  }
}

async function expectBelowLimit(served: ServedDatabase, when: string): Promise<void> {
  const { resident, peak } = await served.memory()
  console.log(`${when}: ${Math.round(resident / MEGABYTE)} MB, at most ${Math.round(peak / MEGABYTE)} MB`)
  expect(peak).toBeLessThan(LIMIT_BYTES)
}

/** A lookup by each index reads what it finds and nothing else. */
async function expectLookups(collection: Collection<Document>): Promise<void> {
  expect(await collection.countDocuments()).toBe(DOCUMENTS)
  const filters = [
    [{ email: 'person.number.123456@example.com' }, 1],
    [{ customer: 'customer-1234', at: { $gte: new Date(Date.UTC(2024, 0, 1)) } }, DOCUMENTS / 5000],
    [{ tags: 'group-69' }, Math.ceil((DOCUMENTS - 69) / 700)],
  ] as const
  for (const [filter, found] of filters) {
    const { executionStats } = await collection.find(filter).explain('executionStats')
    expect({
      returned: executionStats.nReturned,
      keys: executionStats.totalKeysExamined,
      documents: executionStats.totalDocsExamined,
    }).toEqual({ returned: found, keys: found, documents: found })
  }
}

describe.runIf(process.platform === 'linux')(`${DOCUMENTS} documents with three indexes`, () => {
  for (const [where, folderOf] of [
    ['in memory only', async () => undefined],
    ['kept in a folder', temporaryFolder],
  ] as const) {
    it(`fit in one gigabyte, ${where}, also when every one of them has changed`, async () => {
      const folder = await folderOf()
      await withDatabase(folder, async (collection, served) => {
        await fillLarge(collection, DOCUMENTS)
        await expectBelowLimit(served, `${where}, filled`)
        await expectLookups(collection)
        await collection.updateMany({}, { $inc: { amount: 1 }, $set: { changed: true } })
        await expectBelowLimit(served, `${where}, updated`)
      })
      if (folder === undefined) return
      await withDatabase(folder, async (collection, served) => {
        await expectBelowLimit(served, 'started again')
        await expectLookups(collection)
        await expectBelowLimit(served, 'started again, all indexes used')
      })
    })
  }
})
