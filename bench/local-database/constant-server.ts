import { createServer } from 'node:net'
import { serialize } from 'bson'
import { startDatabase } from '../../local/database/main.ts'

/**
 * The process that the benchmark measures: the local database, and beside it the least a wire server can do: it looks
 * at nothing but the request's id and answers every command but the handshake with the same bytes.
 */
const document = { _id: 7, name: 'a constant', nested: { tags: ['x', 'y'], count: 3 }, text: 'x'.repeat(120) }

const server = createServer((socket) => {
  let rest = Buffer.alloc(0)
  const me = `${socket.localAddress}:${socket.localPort}`
  const hello = serialize({
    ok: 1,
    isWritablePrimary: true,
    ismaster: true,
    setName: 'rs0',
    hosts: [me],
    me,
    primary: me,
    minWireVersion: 0,
    maxWireVersion: 25,
    maxBsonObjectSize: 16777216,
    maxMessageSizeBytes: 48000000,
    maxWriteBatchSize: 100000,
    logicalSessionTimeoutMinutes: 30,
    localTime: new Date(),
  })
  const constant = serialize({ cursor: { firstBatch: [document], id: 0n, ns: 'bench.docs' }, ok: 1 })
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0))
      rest = rest.subarray(message.length)
      const query = message.readInt32LE(12) === 2004
      const isFind = !query && message[26] === 0x66 && message[27] === 0x69
      const body = isFind ? constant : hello
      const head = Buffer.alloc(query ? 36 : 21)
      head.writeInt32LE(head.length + body.length, 0)
      head.writeInt32LE(message.readInt32LE(4), 8)
      head.writeInt32LE(query ? 1 : 2013, 12)
      if (query) head.writeInt32LE(1, 32)
      socket.write(Buffer.concat([head, body]))
    }
  })
})

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = server.address()
const database = await startDatabase()
process.send?.({ constant: typeof address === 'object' ? address?.port : 0, database: database.port })
process.once('disconnect', () => process.exit(0))
