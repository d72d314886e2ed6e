import type { Document } from 'bson'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeOf } from '../../../support/outcome.ts'
import { type RulesTestApp, startRulesApp, users } from '../../../support/rules-app.ts'
import { reads, writes } from './reference.ts'

// Few values, so that conditions hold about as often as not.
const text = fc.constantFrom('a1', 'b2', 't1')
const leaf = fc.oneof(text, fc.integer({ min: 0, max: 2 }))
const paths = ['owner', 'team', 'n', 'addr.city', 'members']

const operand = fc.oneof(
  leaf,
  fc.constantFrom('%%user.id', '%%user.custom_data.teams', '%%user.custom_data.role', '%%root.team'),
)
const condition = fc.oneof(
  fc.tuple(fc.constantFrom(...paths), operand).map(([path, value]) => ({ [path]: value })),
  fc
    .tuple(fc.constantFrom(...paths), fc.constantFrom('%ne', '%gt', '%in'), operand)
    .map(([path, operator, value]) => ({ [path]: { [operator]: value } })),
  fc
    .tuple(fc.constantFrom('%%prevRoot', '%%prevRoot.owner', 'team'), fc.boolean())
    .map(([path, exists]) => ({ [path]: { '%exists': exists } })),
  fc
    .tuple(fc.constantFrom('%%user.id', '%%user.custom_data.role', '%%prevRoot.owner'), operand)
    .map(([path, value]) => ({ [path]: value })),
)
const expression: fc.Arbitrary<Document | boolean> = fc.oneof(
  fc.boolean(),
  condition,
  fc.array(condition, { minLength: 1, maxLength: 2 }).map((children) => ({ '%or': children })),
  condition.map((child) => ({ '%not': child })),
  fc.tuple(condition, condition).map((children) => ({ '%and': children })),
)
const optional = fc.option(expression, { nil: undefined, freq: 2 })

const fieldRule = fc.record({ read: optional, write: optional }).map(defined)
const fields = fc.record({
  owner: fc.option(fieldRule, { nil: undefined }),
  n: fc.option(fieldRule, { nil: undefined }),
  addr: fc.option(fc.record({ fields: fc.record({ city: fieldRule }) }), { nil: undefined }),
})
const role = fc
  .record({
    apply_when: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: expression }),
    document_filters: fc.option(fc.record({ read: optional, write: optional }).map(defined), {
      nil: undefined,
      freq: 1,
    }),
    read: optional,
    write: optional,
    insert: optional,
    delete: optional,
    fields: fc.option(fields.map(defined), { nil: undefined, freq: 2 }),
    additional_fields: fc.option(fieldRule, { nil: undefined, freq: 2 }),
  })
  .map(defined)

const content = fc
  .record({
    owner: fc.option(text, { nil: undefined }),
    team: fc.option(text, { nil: undefined }),
    n: fc.option(leaf, { nil: undefined }),
    addr: fc.option(fc.record({ city: text, zip: text }), { nil: undefined }),
    members: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
  })
  .map(defined)

function defined(document: object): Document {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined))
}

const roles = fc.array(role, { minLength: 1, maxLength: 2 })
const user = fc.constantFrom(users.ann, users.bob)

describe('the rules engine against a naive reading of its specification', () => {
  let app: RulesTestApp
  beforeAll(async () => {
    app = await startRulesApp('reference')
  })
  afterAll(() => app.close())

  it('reads, finds, counts and deletes as the reference does', async () => {
    await fc.assert(
      fc.asyncProperty(roles, user, fc.array(content, { minLength: 1, maxLength: 3 }), async (given, who, contents) => {
        const documents = contents.map((document, index) => ({ _id: index, ...document }))
        const ns = await app.collection({ roles: given }, documents)
        const data = app.data(who)
        const readable = documents.flatMap((document) => reads(given, who, document) ?? [])
        expect(await outcomeOf(data.find(ns, {}, { sort: { _id: 1 } }).toArray())).toEqual(readable)
        expect(await data.count(ns, {})).toBe(readable.length)
        expect(await outcomeOf(data.aggregate(ns, [{ $match: {} }]).toArray())).toEqual(readable)
        const deletable = documents.every((document) => writes(given, who, document, undefined))
        expect(await outcomeOf(data.deleteMany(ns, {}))).toEqual(
          deletable ? { deletedCount: documents.length } : { refusal: 'FunctionExecutionError: delete not permitted' },
        )
      }),
      { numRuns: 60 },
    )
  })

  it('inserts and replaces as the reference does', async () => {
    await fc.assert(
      fc.asyncProperty(
        roles,
        user,
        content,
        content,
        fc.constantFrom('', 'n', 'team'),
        async (given, who, before, changes, dropped) => {
          const { [dropped]: _gone, ...kept } = { ...before, ...changes } as Document
          const after: Document = kept
          const ns = await app.collection({ roles: given })
          const data = app.data(who)
          const inserted = await outcomeOf(data.insertOne(ns, { _id: 1, ...before }))
          expect(inserted).toEqual(
            writes(given, who, undefined, { _id: 1, ...before })
              ? { insertedId: 1 }
              : { refusal: 'FunctionExecutionError: insert not permitted' },
          )
          await app.data('system').replaceOne(ns, { _id: 1 }, before, { upsert: true })
          const change = differences(before, after)
          if (Object.keys(change).length === 0) return
          const updated = await outcomeOf(data.updateOne(ns, { _id: 1 }, change))
          expect(updated).toEqual(
            writes(given, who, { _id: 1, ...before }, { _id: 1, ...after })
              ? { matchedCount: 1, modifiedCount: 1 }
              : { refusal: 'FunctionExecutionError: update not permitted' },
          )
          const stored = await app.data('system').findOne(ns, { _id: 1 })
          const isRefused = typeof updated === 'object' && updated !== null && 'refusal' in updated
          expect(await outcomeOf(Promise.resolve(stored))).toEqual({ _id: 1, ...(isRefused ? before : after) })
        },
      ),
      { numRuns: 60 },
    )
  })
})

/** An update that turns one content into another. */
function differences(before: Document, after: Document): Document {
  const changed = Object.entries(after).filter(
    ([field, value]) => JSON.stringify(before[field]) !== JSON.stringify(value),
  )
  const removed = Object.keys(before).filter((field) => !(field in after))
  return {
    ...(changed.length > 0 ? { $set: Object.fromEntries(changed) } : {}),
    ...(removed.length > 0 ? { $unset: Object.fromEntries(removed.map((field) => [field, ''])) } : {}),
  }
}
