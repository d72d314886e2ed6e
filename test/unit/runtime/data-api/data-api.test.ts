import { EJSON, ObjectId } from 'bson'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Namespace } from '../../../../runtime/data/data-access.ts'
import { type ActionName, executeAction, isAction } from '../../../../runtime/data-api/index.ts'
import { type EjsonFormat, parseEjsonDocument } from '../../../../runtime/ejson/index.ts'
import { AppError } from '../../../../runtime/errors.ts'
import { callerOf, type RulesTestApp, startRulesApp, type UserName } from '../../../support/rules-app.ts'

const people = [
  { _id: 1, name: 'a', n: 1 },
  { _id: 2, name: 'b', n: 2 },
  { _id: 3, name: 'c', n: 3 },
]

describe('the actions of the Data API', () => {
  let app: RulesTestApp
  let ns: Namespace
  beforeAll(async () => {
    app = await startRulesApp('data_api')
  })
  beforeEach(async () => {
    ns = await app.collection({ roles: [{ apply_when: {}, read: true, write: true }] }, people)
  })
  afterAll(() => app.close())

  const stored = () => app.client.db(ns.database).collection<{ _id: unknown; [field: string]: unknown }>(ns.collection)

  async function act(
    action: ActionName,
    fields: string,
    format: EjsonFormat = 'JSON',
    user: UserName | 'system' = 'system',
  ): Promise<string> {
    const common = `"dataSource":"Cluster0","database":"${ns.database}","collection":"${ns.collection}"`
    const body = parseEjsonDocument(`{${common}${fields === '' ? '' : `,${fields}`}}`)
    try {
      const result = await executeAction(app.runtime(), callerOf(user), action, body)
      return `${result.inserted ? 201 : 200} ${new TextDecoder().decode(result.write(format))}`
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return `${error.status} ${error.code} ${error.message}`
    }
  }

  const cases: [ActionName, string, EjsonFormat, string][] = [
    ['findOne', '', 'JSON', '200 {"document":{"_id":1,"name":"a","n":1}}'],
    ['findOne', '"sort":{"n":-1}', 'JSON', '200 {"document":{"_id":3,"name":"c","n":3}}'],
    ['findOne', '"filter":{"_id":9}', 'JSON', '200 {"document":null}'],
    ['findOne', '"filter":null,"projection":{"name":2},"limit":5', 'JSON', '200 {"document":{"_id":1,"name":"a"}}'],
    [
      'findOne',
      '"filter":{"_id":{"$numberInt":"2"}}',
      'EJSON',
      '200 {"document":{"_id":{"$numberInt":"2"},"name":"b","n":{"$numberInt":"2"}}}',
    ],
    ['find', '"filter":{"_id":9}', 'JSON', '200 {"documents":[]}'],
    [
      'find',
      '"sort":{"_id":-1},"limit":{"$numberLong":"2"},"skip":1,"projection":{"n":0}',
      'JSON',
      '200 {"documents":[{"_id":2,"name":"b"},{"_id":1,"name":"a"}]}',
    ],
    [
      'find',
      '"filter":{"name":{"$regex":"^B","$options":"i"}},"limit":null,"projection":{"_id":1}',
      'JSON',
      '200 {"documents":[{"_id":2}]}',
    ],
    ['insertOne', '"document":{"_id":"own","x":1}', 'JSON', '201 {"insertedId":"own"}'],
    [
      'insertOne',
      '"document":{"_id":{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}}',
      'JSON',
      '201 {"insertedId":"64b0c1d2e3f4a5b6c7d8e9f0"}',
    ],
    [
      'insertMany',
      '"documents":[{"_id":7},{"_id":{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}}]',
      'EJSON',
      '201 {"insertedIds":[{"$numberInt":"7"},{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}]}',
    ],
    ['updateOne', '"filter":{"_id":1},"update":{"$set":{"n":9}}', 'JSON', '200 {"matchedCount":1,"modifiedCount":1}'],
    [
      'updateMany',
      '"filter":{},"update":{"$inc":{"n":1}}',
      'EJSON',
      '200 {"matchedCount":{"$numberInt":"3"},"modifiedCount":{"$numberInt":"3"}}',
    ],
    [
      'updateOne',
      '"filter":{"_id":8},"update":{"$set":{"n":9}},"upsert":true',
      'JSON',
      '200 {"matchedCount":0,"modifiedCount":0,"upsertedId":8}',
    ],
    [
      'updateOne',
      '"filter":{"_id":8},"update":{"$set":{"n":9}},"upsert":null',
      'JSON',
      '200 {"matchedCount":0,"modifiedCount":0}',
    ],
    [
      'updateOne',
      '"filter":{"_id":1},"update":[{"$set":{"n":{"$add":["$n",1]}}}]',
      'JSON',
      '200 {"matchedCount":1,"modifiedCount":1}',
    ],
    ['replaceOne', '"filter":{"_id":1},"replacement":{"z":1}', 'JSON', '200 {"matchedCount":1,"modifiedCount":1}'],
    [
      'replaceOne',
      '"filter":{"_id":5},"replacement":{"z":1},"upsert":true',
      'EJSON',
      '200 {"matchedCount":{"$numberInt":"0"},"modifiedCount":{"$numberInt":"0"},"upsertedId":{"$numberInt":"5"}}',
    ],
    ['deleteOne', '"filter":{"_id":1}', 'EJSON', '200 {"deletedCount":{"$numberInt":"1"}}'],
    ['deleteMany', '"filter":{}', 'JSON', '200 {"deletedCount":3}'],
    [
      'aggregate',
      '"pipeline":[{"$group":{"_id":null,"n":{"$sum":"$n"}}}]',
      'JSON',
      '200 {"documents":[{"_id":null,"n":6}]}',
    ],
  ]

  for (const user of ['system', 'key'] as const) {
    it.each(cases)(`%s {%s} in %s, as ${user}`, async (action, fields, format, expected) => {
      expect(await act(action, fields, format, user)).toBe(expected)
    })
  }

  it('makes an id for a document without one', async () => {
    const text = await act('insertOne', '"document":{"x":1}')
    expect(text).toMatch(/^201 \{"insertedId":"[0-9a-f]{24}"\}$/)
    const found = await stored().findOne({ x: 1 })
    expect(found).toEqual({ _id: new ObjectId(text.slice(19, 43)), x: 1 })
  })

  it('keeps the order of keys and the types of numbers from the request to the answer', async () => {
    const document = '{"_id":5,"b":1,"10":2,"2":{"9":1,"1":2},"d":1.0,"l":5000000000,"a.b":null,"__proto__":{"x":1}}'
    expect(await act('insertOne', `"document":${document}`)).toBe('201 {"insertedId":5}')
    expect(await act('findOne', '"filter":{"_id":5}')).toBe(`200 {"document":${document.replace('1.0', '1')}}`)
    const typed = (await act('findOne', '"filter":{"_id":5}', 'EJSON')).slice(4)
    expect(EJSON.parse(typed, { relaxed: false }).document).toMatchObject({
      d: { value: 1 },
      l: { low: 705032704, high: 1 },
    })
  })

  it('sorts by integer-like keys in the order they were sent', async () => {
    await stored().insertMany([
      { _id: 11, '1': 1, '2': 2 },
      { _id: 12, '1': 2, '2': 1 },
    ])
    const found = await act('find', '"filter":{"1":{"$exists":true}},"sort":{"2":1,"1":1},"projection":{"_id":1}')
    expect(found).toBe('200 {"documents":[{"_id":12},{"_id":11}]}')
  })

  it('finds 1000 documents unless a limit says otherwise', async () => {
    const many = Array.from({ length: 1_200 }, (_, i) => ({ _id: 100 + i }))
    await stored().insertMany(many)
    const count = async (action: ActionName, fields: string) =>
      JSON.parse((await act(action, fields)).slice(4)).documents.length
    expect(await count('find', '')).toBe(1_000)
    expect(await count('find', '"limit":0')).toBe(1_000)
    expect(await count('find', '"limit":30000')).toBe(1_203)
    expect(await count('aggregate', '"pipeline":[]')).toBe(1_203)
  })

  it.each<[ActionName, string, string]>([
    ['insertOne', '', "400 MongoDBError Failed to insert document: must provide a 'document' field"],
    ['insertOne', '"document":null', "400 MongoDBError Failed to insert document: must provide a 'document' field"],
    ['insertOne', '"document":[]', "400 MongoDBError Failed to insert document: 'document' must be an object"],
    [
      'insertMany',
      '"documents":{}',
      "400 MongoDBError Failed to insert documents: 'documents' must be an array of objects",
    ],
    [
      'insertMany',
      '"documents":[1]',
      "400 MongoDBError Failed to insert documents: 'documents' must be an array of objects",
    ],
    ['updateOne', '"update":{}', "400 MongoDBError Failed to update document: must provide a 'filter' field"],
    ['updateMany', '"filter":{}', "400 MongoDBError Failed to update documents: must provide a 'update' field"],
    ['replaceOne', '"filter":{}', "400 MongoDBError Failed to replace document: must provide a 'replacement' field"],
    ['deleteOne', '', "400 MongoDBError Failed to delete document: must provide a 'filter' field"],
    ['deleteMany', '', "400 MongoDBError Failed to delete documents: must provide a 'filter' field"],
    ['aggregate', '', "400 MongoDBError Failed to aggregate documents: must provide a 'pipeline' field"],
    [
      'aggregate',
      '"pipeline":{}',
      "400 MongoDBError Failed to aggregate documents: 'pipeline' must be an array of objects",
    ],
    ['find', '"filter":[]', "400 MongoDBError Failed to find documents: 'filter' must be an object"],
    ['find', '"limit":"5"', "400 MongoDBError Failed to find documents: 'limit' must be a whole number from 0"],
    ['find', '"limit":1.5', "400 MongoDBError Failed to find documents: 'limit' must be a whole number from 0"],
    ['find', '"skip":-1', "400 MongoDBError Failed to find documents: 'skip' must be a whole number from 0"],
    [
      'updateOne',
      '"filter":{},"update":{},"upsert":1',
      "400 MongoDBError Failed to update document: 'upsert' must be a boolean",
    ],
    [
      'updateOne',
      '"filter":{},"update":{"x":1}',
      '400 MongoDBError Failed to update document: Update document requires atomic operators',
    ],
  ])('%s {%s} is refused', async (action, fields, expected) => {
    expect(await act(action, fields)).toBe(expected)
  })

  it('hands on the text of the server', async () => {
    expect(await act('findOne', '"filter":{"$foo":1}')).toMatch(
      /^400 MongoDBError Failed to find document: unknown top level operator: \$foo/,
    )
    expect(await act('insertOne', '"document":{"_id":1}')).toMatch(
      /^400 MongoDBError Failed to insert document: .*duplicate key/i,
    )
  })

  it('names the refusal of a role', async () => {
    ns = await app.collection({ roles: [{ apply_when: {}, read: true }] }, people)
    expect(await act('updateOne', '"filter":{"_id":1},"update":{"$set":{"n":0}}', 'JSON', 'key')).toBe(
      '400 MongoDBError Failed to update document: FunctionError: update not permitted',
    )
    ns = { ...ns, collection: 'none' }
    expect(await act('find', '', 'JSON', 'key')).toBe(
      `403 NoMatchingRuleFound no rule exists for namespace '${ns.database}.none'`,
    )
  })

  it.each([
    ['{}', "must provide a 'dataSource' field"],
    ['{"dataSource":"x"}', "must provide a 'database' field"],
    ['{"dataSource":"x","database":"y"}', "must provide a 'collection' field"],
    ['{"dataSource":5,"database":"y","collection":"z"}', "'dataSource' must be a non-empty string"],
    ['{"dataSource":"x","database":"y","collection":"z"}', "no data source named 'x'"],
    ['{"dataSource":"Cluster0","database":"a.b","collection":"z"}', "Database names cannot contain the character '.'"],
  ])('refuses the body %s', async (text, reason) => {
    await expect(
      executeAction(app.runtime(), callerOf('system'), 'findOne', parseEjsonDocument(text)),
    ).rejects.toMatchObject({ status: 400, code: 'MongoDBError', message: `Failed to find document: ${reason}` })
  })

  it('takes a data source by its name before its cluster', async () => {
    const body = `{"dataSource":"mongodb-atlas","database":"${ns.database}","collection":"${ns.collection}"}`
    const result = await executeAction(app.runtime(), callerOf('system'), 'findOne', parseEjsonDocument(body))
    expect(new TextDecoder().decode(result.write('JSON'))).toBe('{"document":{"_id":1,"name":"a","n":1}}')
  })

  it('knows ten actions', () => {
    expect(['findOne', 'toString', '__proto__', 'drop', 'FindOne'].map(isAction)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
