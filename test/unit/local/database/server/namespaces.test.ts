import type { Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'
import { rawCommand } from './raw.ts'

const database = localDatabase()
const db = () => database.client.db('namespaces')

/** Every command that names a collection, by that name. */
const COMMANDS: readonly ((name: string) => Document)[] = [
  (find) => ({ find }),
  (aggregate) => ({ aggregate, pipeline: [], cursor: {} }),
  (count) => ({ count }),
  (distinct) => ({ distinct, key: 'a' }),
  (insert) => ({ insert, documents: [{}] }),
  (update) => ({ update, updates: [{ q: {}, u: { $set: { a: 1 } } }] }),
  (name) => ({ delete: name, deletes: [{ q: {}, limit: 0 }] }),
  (findAndModify) => ({ findAndModify, remove: true }),
  (create) => ({ create }),
  (drop) => ({ drop }),
  (createIndexes) => ({ createIndexes, indexes: [{ key: { a: 1 }, name: 'a_1' }] }),
  (listIndexes) => ({ listIndexes }),
  (dropIndexes) => ({ dropIndexes, index: '*' }),
  (collMod) => ({ collMod }),
  (validate) => ({ validate }),
  (collStats) => ({ collStats }),
  (find) => ({ explain: { find } }),
]
const WRITES = COMMANDS.slice(4, 9)

describe('names', () => {
  it.each(['', '.x', 'x.', 'a\0b', '$x', 'a$b'])('of collections are refused by every command: %j', async (name) => {
    for (const command of COMMANDS) {
      expect(await failure(db().command(command(name)))).toEqual({
        code: 73,
        codeName: 'InvalidNamespace',
        message: `Invalid namespace specified 'namespaces.${name}'`,
      })
    }
  })

  it.each([
    ['system.foo', 'Invalid system namespace: namespaces.system.foo'],
    ['system.views', 'cannot write to namespaces.system.views'],
    ['x'.repeat(245), `Fully qualified namespace is too long. Namespace: namespaces.${'x'.repeat(245)} Max: 255`],
  ])('of collections may be read, not written: %s', async (name, message) => {
    expect(await db().collection(name).find().toArray()).toEqual([])
    for (const command of WRITES) {
      expect(await failure(db().command(command(name)))).toEqual({ code: 73, codeName: 'InvalidNamespace', message })
    }
    for (const stage of [{ $out: name }, { $merge: name }]) {
      expect(await failure(db().collection('from').aggregate([stage]).toArray())).toMatchObject({ code: 73, message })
    }
  })

  it('of collections are as long as MongoDB lets them be', async () => {
    const name = 'x'.repeat(244)
    await db().collection(name).insertOne({})
    expect(await db().collection(name).countDocuments()).toBe(1)
  })

  it.each(['', 'a.b', 'a b', 'a/b', 'a\\b', 'a"b', 'a$b', 'a\0b', 'd'.repeat(64), 'é'.repeat(32)])(
    'of databases are refused: %j',
    async (name) => {
      for (const command of [{ ping: 1 }, { find: 'c' }, { insert: 'c', documents: [{}] }, { listCollections: 1 }]) {
        expect(await rawCommand(database.port, { ...command, $db: name })).toMatchObject({
          ok: 0,
          code: 73,
          errmsg: `Invalid database name: '${name}'`,
        })
      }
    },
  )

  it('of databases are needed, and are strings', async () => {
    expect(await rawCommand(database.port, { ping: 1 })).toMatchObject({
      code: 40571,
      errmsg: 'OP_MSG requests require a $db argument',
    })
    expect(await rawCommand(database.port, { ping: 1, $db: 5 })).toMatchObject({ code: 14 })
  })

  it('of databases do not differ in case alone', async () => {
    await db().collection('c').insertOne({})
    const other = database.client.db('NameSpaces').collection('c')
    expect(await other.find().toArray()).toEqual([])
    expect(await failure(other.insertOne({}))).toMatchObject({
      code: 13297,
      message: 'db already exists with different case already have: [namespaces] trying to create [NameSpaces]',
    })
  })
})
