import { createConnection } from 'node:net'
import { BSON } from 'mongodb'
import { crc32c } from '../../../../../local/database/wire/crc32c.ts'

/** Sends bytes over a connection of their own. @returns the first message of the answer; empty when the server hung up */
export async function exchange(port: number, message: Buffer): Promise<Buffer> {
  const socket = createConnection(port, '127.0.0.1')
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length >= 4 && bytes.length >= bytes.readInt32LE(0)) socket.destroy()
    })
    socket.write(message)
  })
}

/** An OP_MSG with request id 77. */
export function opMsg(body: object, flags = 0, sections: readonly Buffer[] = []): Buffer {
  const parts = [Buffer.from([0]), BSON.serialize(body), ...sections]
  const length = 20 + parts.reduce((sum, part) => sum + part.length, 0) + (flags & 1 ? 4 : 0)
  const head = Buffer.alloc(20)
  head.writeInt32LE(length, 0)
  head.writeInt32LE(77, 4)
  head.writeInt32LE(2013, 12)
  head.writeUInt32LE(flags, 16)
  const bytes = Buffer.concat([head, ...parts])
  if (!(flags & 1)) return bytes
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(crc32c(bytes))
  return Buffer.concat([bytes, checksum])
}

export function replyOf(bytes: Buffer, at = 21): BSON.Document {
  return BSON.deserialize(bytes.subarray(at))
}

/** A command as it stands: the driver would put a session of its own in. */
export async function rawCommand(port: number, body: object): Promise<BSON.Document> {
  return replyOf(await exchange(port, opMsg(body)))
}
