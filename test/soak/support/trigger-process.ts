/**
 * A trigger runner in a process of its own, to be killed: `node trigger-process.ts <uri> <database>`. Its function notes
 * each delivery, applies an idempotent effect and notes the end.
 */
import process from 'node:process'
import { MongoClient } from 'mongodb'
import { createTriggerRunner } from '../../../runtime/triggers/index.ts'
import { startApp } from '../../unit/runtime/functions/app.ts'
import { databaseTrigger } from '../../unit/runtime/triggers/support.ts'

const [uri = '', database = ''] = process.argv.slice(2)
const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 2_000 })

const source = `exports = async (event) => {
  const db = context.services.get('mongodb-atlas').db('${database}')
  const change = event._id._data
  const doc = event.documentKey._id
  const seq = event.operationType === 'insert' ? event.fullDocument.seq : event.updateDescription.updatedFields.seq
  const { insertedId } = await db.collection('deliveries').insertOne({ change, doc, seq, pid: ${process.pid}, started_at: new Date() })
  await db.collection('effects').updateOne({ _id: change }, { $setOnInsert: { doc, seq } }, { upsert: true })
  await db.collection('deliveries').updateOne({ _id: insertedId }, { $set: { ended_at: new Date() } })
}`

const { runtime, log } = startApp(client, {
  functions: { record: { source, private: true } },
  definition: {
    triggers: [databaseTrigger('record', { database, collection: 'source', operation_types: ['INSERT', 'UPDATE'] })],
  },
  options: { stateDatabase: `${database}_state`, now: () => new Date() },
})
const runner = createTriggerRunner(runtime, { leaseMs: 1_000 })
await runner.start()
process.stdout.write('ready\n')

setInterval(() => {
  for (const entry of log.splice(0)) if (entry.status === 'error') process.stderr.write(`${JSON.stringify(entry)}\n`)
}, 100)
