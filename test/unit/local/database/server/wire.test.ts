import { BSON } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../../../local/database/wire/crc32c.ts'
import { localDatabase } from './connect.ts'
import { exchange, opMsg, replyOf } from './raw.ts'

const database = localDatabase()

function opQuery(namespace: string, body: object): Buffer {
  const rest = Buffer.concat([Buffer.alloc(4), Buffer.from(`${namespace}\0`), Buffer.alloc(8), BSON.serialize(body)])
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + rest.length, 0)
  head.writeInt32LE(77, 4)
  head.writeInt32LE(2004, 12)
  return Buffer.concat([head, rest])
}

describe('the wire', () => {
  it('has the CRC-32C of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })

  it('answers an OP_MSG and says to which', async () => {
    const bytes = await exchange(database.port, opMsg({ ping: 1, $db: 'admin' }))
    expect(bytes.readInt32LE(8)).toBe(77)
    expect(replyOf(bytes).ok).toBe(1)
  })

  it('takes a checksum that is right and drops the connection for a wrong one', async () => {
    expect(replyOf(await exchange(database.port, opMsg({ ping: 1, $db: 'admin' }, 1))).ok).toBe(1)
    const broken = opMsg({ ping: 1, $db: 'admin' }, 1)
    broken[broken.length - 1]! ^= 1
    expect((await exchange(database.port, broken)).length).toBe(0)
  })

  it('reads documents from a document sequence', async () => {
    const documents = [{ _id: 1 }, { _id: 2 }].map((document) => BSON.serialize(document))
    const name = Buffer.from('documents\0')
    const size = Buffer.alloc(4)
    size.writeInt32LE(4 + name.length + documents.reduce((sum, document) => sum + document.length, 0))
    const section = Buffer.concat([Buffer.from([1]), size, name, ...documents])
    const bytes = await exchange(database.port, opMsg({ insert: 'sequence', $db: 'wire' }, 0, [section]))
    expect(replyOf(bytes)).toMatchObject({ n: 2, ok: 1 })
  })

  it('answers hello as OP_QUERY, and nothing else', async () => {
    expect(
      replyOf(await exchange(database.port, opQuery('admin.$cmd', { ismaster: 1, helloOk: true })), 36),
    ).toMatchObject({
      ismaster: true,
      helloOk: true,
      setName: 'rs0',
      maxWireVersion: 25,
      ok: 1,
    })
    expect(replyOf(await exchange(database.port, opQuery('test.$cmd', { find: 'c' })), 36)).toMatchObject({
      ok: 0,
      code: 352,
    })
  })

  it.each([
    ['an unknown opcode', Buffer.concat([Buffer.from([16, 0, 0, 0]), Buffer.alloc(12, 9)])],
    ['an impossible length', Buffer.alloc(16, 0xff)],
    ['unknown required flags', opMsg({ ping: 1, $db: 'admin' }, 4)],
    ['a cut document', Buffer.concat([opMsg({ ping: 1, $db: 'admin' }).subarray(0, 21), Buffer.from([200, 0, 0, 0])])],
  ])('drops the connection for %s', async (_, message) => {
    if (message.readInt32LE(0) > 16) message.writeInt32LE(message.length, 0)
    expect((await exchange(database.port, message)).length).toBe(0)
  })

  it('names the address the client came to as the only member', async () => {
    const hello = await database.client.db('admin').command({ hello: 1 })
    expect(hello).toMatchObject({
      hosts: [`127.0.0.1:${database.port}`],
      me: `127.0.0.1:${database.port}`,
      primary: `127.0.0.1:${database.port}`,
      isWritablePrimary: true,
      logicalSessionTimeoutMinutes: 30,
    })
    expect(hello.saslSupportedMechs).toBeUndefined()
  })
})
