import { type Collection, type Document, MongoClient } from 'mongodb'
import { fillLarge, LARGE_INDEXES } from '../../test/support/large-collection.ts'
import { serveDatabase } from '../../test/support/served-database.ts'
import { median, milliseconds } from '../timing.ts'

const MANY = 200_000
const FEW = 1000
const LIMIT_BYTES = 1024 ** 3
const ROUNDS = 7
const CALLS = 300
const SCANS = 3
/** An index must make a lookup at least so many times as fast as reading every document. */
const LEAST_GAIN = 100

/** Microseconds of one call through the driver. */
async function lookup(collection: Collection<Document>, count: number): Promise<number> {
  const took = await milliseconds(async () => {
    for (let call = 0; call < CALLS; call++) {
      await collection.findOne({ email: `person.number.${(call * 631) % count}@example.com` })
    }
  })
  return (took / CALLS) * 1000
}

/** What 200,000 documents take of memory, and what finding one of them by an index costs beside finding it in 1,000. */
export async function measureLarge(): Promise<boolean> {
  const database = await serveDatabase()
  const client = new MongoClient(database.uri)
  try {
    const many = client.db('bench').collection<Document>('many')
    const few = client.db('bench').collection<Document>('few')
    await fillLarge(few, FEW)
    await fillLarge(many, MANY)
    const times = { few: [] as number[], many: [] as number[], scan: [] as number[] }
    await lookup(few, FEW)
    await lookup(many, MANY)
    for (let round = 0; round < ROUNDS; round++) {
      times.few.push(await lookup(few, FEW))
      times.many.push(await lookup(many, MANY))
    }
    const last = { email: `person.number.${MANY - 1}@example.com` }
    for (let scan = 0; scan < SCANS; scan++) {
      times.scan.push(await milliseconds(() => many.findOne(last, { hint: { $natural: 1 } })))
    }
    const gain = (median(times.scan) * 1000) / median(times.many)
    console.log(
      `findOne by an index: ${Math.round(median(times.many))} µs in ${MANY} documents, ` +
        `${Math.round(median(times.few))} µs in ${FEW} (median of ${ROUNDS}, the way through the driver included); ` +
        `reading all of them: ${Math.round(median(times.scan))} ms, ${Math.round(gain)}x; aim: at least ${LEAST_GAIN}x`,
    )
    const fits = process.platform !== 'linux' || (await measureMemory(database))
    return fits && gain >= LEAST_GAIN
  } finally {
    await client.close()
    await database.close()
  }
}

async function measureMemory(database: Awaited<ReturnType<typeof serveDatabase>>): Promise<boolean> {
  const { resident, peak } = await database.memory()
  const megabytes = (bytes: number): number => Math.round(bytes / 1024 ** 2)
  console.log(
    `${MANY} documents with ${LARGE_INDEXES.length + 1} indexes: ${megabytes(resident)} MB, ` +
      `at most ${megabytes(peak)} MB; aim: below ${megabytes(LIMIT_BYTES)}`,
  )
  return peak < LIMIT_BYTES
}
