import type { Document } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Namespace } from '../../../../runtime/data/data-access.ts'
import { isPathProjected, readProjection } from '../../../../runtime/rules/projection.ts'
import { outcomeOf } from '../../../support/outcome.ts'
import { type RulesTestApp, startRulesApp } from '../../../support/rules-app.ts'

const documents = [
  { _id: 1, a: { b: 1, c: [{ d: 1, e: 2 }, 5, { e: 3 }] }, list: [1, 2, 3, 4], s: 'x', gone: null, n: 3 },
  { _id: 2, a: [{ b: 1 }, { c: 2 }], list: [], s: 'y', n: 1 },
]

/** A role that depends on the document, so that the projection is applied here and not by the server. */
const roles = [{ apply_when: { _id: { '%exists': true } }, read: true }]

const projections: Document[] = [
  {},
  { s: 1 },
  { s: 2, n: true },
  { s: 1, _id: 0 },
  { _id: 1 },
  { _id: 0 },
  { a: 0 },
  { 'a.b': 1 },
  { 'a.b': 0 },
  { 'a.c.d': 1 },
  { 'a.c.e': 0, list: 0 },
  { a: { b: 1 } },
  { list: { $slice: 2 } },
  { list: { $slice: -2 } },
  { list: { $slice: [1, 2] } },
  { list: { $slice: [-3, 1] }, s: 1 },
  { nothing: 1 },
  { gone: 1 },
  { s: 1, twice: { $multiply: ['$n', 2] } },
  { t: '$s' },
]

describe('projections of what roles show', () => {
  let app: RulesTestApp
  let ns: Namespace
  beforeAll(async () => {
    app = await startRulesApp('projection')
    ns = await app.collection({ roles }, documents)
  })
  afterAll(() => app.close())

  it.each(projections.map((projection) => [projection]))('%j is what the server projects', async (projection) => {
    const options = { projection, sort: { _id: 1 } }
    const expected = await app.data('system').find(ns, {}, options).toArray()
    expect(await app.data('bob').find(ns, {}, options).toArray()).toEqual(expected)
  })

  it.each([
    [{ s: 1, n: 0 }, 'Cannot do exclusion on field n in inclusion projection'],
    [{ n: 0, s: 1 }, 'Cannot do exclusion on field n in inclusion projection'],
  ])('%j is refused', async (projection, text) => {
    expect(await outcomeOf(app.data('bob').find(ns, {}, { projection }).toArray())).toEqual({
      refusal: `MongoDBError: ${text}`,
    })
  })

  it.each([
    [{ salary: 0 }, 'salary', false],
    [{ salary: 0 }, 'salary.x', false],
    [{ 'salary.x': 0 }, 'salary', false],
    [{ salary: 0 }, 'title', true],
    [{ salary: 0 }, 'salaryX', true],
    [{ title: 1 }, 'title', true],
    [{ title: 1 }, 'title.x', true],
    [{ 'title.x': 1 }, 'title', false],
    [{ title: 1 }, 'salary', false],
  ])('%j leaves %s to queries: %s', (projection, path, visible) => {
    expect(isPathProjected(readProjection(projection), path)).toBe(visible)
  })

  it('applies the projections of several filters, each on what the others leave', async () => {
    const filters = [
      { apply_when: {}, projection: { n: 0 } },
      { apply_when: {}, project: { list: 0, 'a.b': 0 } },
      { apply_when: false, projection: { s: 0 } },
    ]
    const filtered = await app.collection({ roles, filters }, [{ _id: 1, a: { b: 1, c: 2 }, list: [], s: 'x', n: 1 }])
    expect(await outcomeOf(app.data('bob').findOne(filtered, {}))).toEqual({ _id: 1, a: { c: 2 }, s: 'x' })
    expect(await outcomeOf(app.data('bob').findOne(filtered, {}, { projection: { s: 0 } }))).toEqual({
      _id: 1,
      a: { c: 2 },
    })
  })

  it('joins inclusions to what all of them include', async () => {
    const filters = [{ apply_when: {}, projection: { s: 1, n: 1 } }]
    const filtered = await app.collection({ roles, filters }, documents)
    const projection = { s: 1, list: 1 }
    expect(await outcomeOf(app.data('bob').findOne(filtered, { _id: 1 }, { projection }))).toEqual({ _id: 1, s: 'x' })
  })

  it('lets a filter whose query has no value match nothing', async () => {
    const filters = [{ apply_when: {}, query: { s: '%%user.custom_data.nothing' } }]
    const filtered = await app.collection({ roles: [{ apply_when: {}, read: true, write: true }], filters }, [
      { _id: 1 },
    ])
    const data = app.data('bob')
    expect(await data.find(filtered, {}).toArray()).toEqual([])
    expect(await data.updateMany(filtered, {}, { $set: { s: 1 } })).toEqual({ matchedCount: 0, modifiedCount: 0 })
  })

  it('uses default roles for a collection with filters but no roles, and applies those filters', async () => {
    const filtered = await app.collection(
      { filters: [{ apply_when: {}, query: { s: 'x' } }], defaults: [{ apply_when: {}, read: true }] },
      documents,
    )
    expect(await app.data('bob').count(filtered, {})).toBe(1)
  })
})
