import { encodeDocument } from '../../bson/codec.ts'
import { type Doc, isDoc, ObjectId, type Value } from '../../bson/value.ts'
import type { PipelineEnv } from '../../engine/env.ts'
import { evaluateExpression } from '../../engine/expression/compile.ts'
import { compileFilter } from '../../engine/match/filter.ts'
import { applyUpdate } from '../../engine/update/apply.ts'
import { DatabaseError, inContext } from '../../errors.ts'
import { type Collection, newUuid, sameId, withId } from '../../storage/collection.ts'
import { assertDatabaseName, assertWritableName } from '../../storage/namespace.ts'
import { runPlan } from '../../storage/plan/execute.ts'
import { planQuery } from '../../storage/plan/planner.ts'
import type { Record } from '../../storage/record.ts'
import type { Invocation } from '../invocation.ts'

type Write = (documents: Iterable<Doc>) => void

/**
 * Checks the last stage of a pipeline that writes: `$out` replaces a collection, `$merge` mixes into one.
 *
 * @returns what writes the documents that the pipeline gives
 */
export function compileOutput(
  invocation: Invocation,
  source: string,
  stage: '$out' | '$merge',
  spec: Value,
  env: PipelineEnv,
): Write {
  if (invocation.transaction) throw new DatabaseError(263, `${stage} cannot be used in a transaction`)
  const concern = invocation.body.get('readConcern')
  if (isDoc(concern) && concern.get('level') === 'linearizable') {
    throw new DatabaseError(72, `${stage} cannot be used with a 'linearizable' read concern level`)
  }
  if (stage === '$merge') return compileMerge(invocation, source, spec, env)
  const into = target(invocation, spec, '$out')
  return (documents) => replaceCollection(invocation, into, documents)
}

interface Target {
  readonly db: string
  readonly name: string
}

function target(invocation: Invocation, spec: Value | undefined, stage: string): Target {
  const db = isDoc(spec) ? (spec.get('db') ?? invocation.db) : invocation.db
  const name = isDoc(spec) ? spec.get('coll') : spec
  if (typeof db !== 'string' || typeof name !== 'string') {
    throw new DatabaseError(16990, `${stage} only supports a string or object argument`)
  }
  assertDatabaseName(db)
  assertWritableName(db, name)
  return { db, name }
}

function replaceCollection(invocation: Invocation, { db, name }: Target, documents: Iterable<Doc>): void {
  const { store } = invocation.server
  const existing = store.find(db, name)
  if (existing?.capped)
    throw new DatabaseError(17152, `namespace '${db}.${name}' is capped so it can't be used for $out`)
  if (existing?.options.has('viewOn')) throw new DatabaseError(18, `$out cannot write to the view ${db}.${name}`)
  const context = invocation.writeContext()
  const all = [...documents]
  // A collection beside it, renamed at the end: readers see the old documents or the new ones, and an error changes nothing.
  const temporary = store.create(
    db,
    `tmp.agg_out.${Buffer.from(newUuid().buffer).toString('hex')}`,
    existing?.options ?? new Map(),
  )
  try {
    const indexes = existing ? [...existing.indexes.values()].map(({ spec: index }) => index.description) : []
    const secondary = indexes.filter((description) => description.get('name') !== '_id_')
    if (secondary.length > 0) store.createIndexes(temporary, secondary)
    for (const document of all) store.insert(temporary, withId(encodeDocument(document)), context)
  } catch (error) {
    store.drop(temporary)
    throw error
  }
  store.rename(temporary, db, name)
}

type WhenMatched = 'replace' | 'keepExisting' | 'merge' | 'fail' | Doc[]
type WhenNotMatched = 'insert' | 'discard' | 'fail'

function compileMerge(invocation: Invocation, source: string, spec: Value, env: PipelineEnv): Write {
  const { store } = invocation.server
  const options = isDoc(spec) ? spec : new Map<string, Value>([['into', spec]])
  for (const option of options.keys()) {
    if (!['into', 'on', 'let', 'whenMatched', 'whenNotMatched'].includes(option)) {
      throw new DatabaseError(40415, `BSON field '$merge.${option}' is an unknown field.`)
    }
  }
  const { db, name } = target(invocation, options.get('into'), '$merge')
  const on = fieldList(options.get('on') ?? '_id')
  const whenMatched = (options.get('whenMatched') ?? 'merge') as WhenMatched
  const whenNotMatched = (options.get('whenNotMatched') ?? 'insert') as WhenNotMatched
  if (typeof whenMatched === 'string' && !['replace', 'keepExisting', 'merge', 'fail'].includes(whenMatched)) {
    throw new DatabaseError(2, `Enumeration value '${whenMatched}' for field 'whenMatched' is not a valid value.`)
  }
  if (!['insert', 'discard', 'fail'].includes(whenNotMatched)) {
    throw new DatabaseError(2, `Enumeration value '${whenNotMatched}' for field 'whenNotMatched' is not a valid value.`)
  }
  return (documents) => {
    const all = db === invocation.db && name === source ? [...documents] : documents
    const collection = store.find(db, name) ?? store.create(db, name, new Map())
    assertUniqueOn(collection, on)
    const context = invocation.writeContext()
    for (const given of all) {
      const document =
        given.has('_id') || !on.includes('_id') ? given : new Map<string, Value>([['_id', new ObjectId()], ...given])
      const existing = findMatch(invocation, collection, document, on)
      const insert = (): void => store.insert(collection, withId(encodeDocument(document)), context)
      if (!existing) {
        if (whenNotMatched === 'fail') {
          throw new DatabaseError(
            13113,
            '$merge could not find a matching document in the target collection for at least one document in the source collection',
          )
        }
        if (whenNotMatched === 'insert') insert()
        continue
      }
      if (whenMatched === 'keepExisting') continue
      if (whenMatched === 'fail') {
        // MongoDB inserts and lets the unique index object.
        inContext(
          "$merge with whenMatched: fail found an existing document with the same values for the 'on' fields",
          insert,
        )
        continue
      }
      const before = existing.decode()
      const after = mergedDocument(before, document, whenMatched, options.get('let'), env)
      const same = Buffer.compare(encodeDocument(after), existing.current.view()) === 0
      if (!same)
        store.update(collection, existing, whenMatched === 'replace' ? 'replace' : 'update', before, after, context)
    }
  }
}

function fieldList(on: Value): string[] {
  const fields = Array.isArray(on) ? on : [on]
  return fields.map((field) => {
    if (typeof field !== 'string')
      throw new DatabaseError(51178, '$merge on field must be a string or an array of strings')
    return field
  })
}

function assertUniqueOn(collection: Collection, on: readonly string[]): void {
  const covered = [...collection.indexes.values()].some(
    ({ spec }) =>
      spec.unique &&
      !spec.partialFilter &&
      spec.fields.length === on.length &&
      on.every((field) => spec.fields.includes(field)),
  )
  if (!covered) {
    throw new DatabaseError(51183, 'Cannot find index to verify that join fields will be unique')
  }
}

function findMatch(
  invocation: Invocation,
  collection: Collection,
  document: Doc,
  on: readonly string[],
): Record | undefined {
  const filter: Doc = new Map()
  for (const field of on) {
    const value = valueAt(document, field)
    if (value === undefined || value === null) {
      throw new DatabaseError(51132, "$merge write error: 'on' field cannot be missing, null, undefined or an array")
    }
    filter.set(field, new Map([['$eq', value]]))
  }
  const view = invocation.view(collection)
  const plan = planQuery(view, { filter })
  for (const { record } of runPlan(view, plan, compileFilter(filter, invocation.env()))) return record
  return undefined
}

function valueAt(document: Doc, path: string): Value | undefined {
  let value: Value | undefined = document
  for (const part of path.split('.')) value = isDoc(value) ? value.get(part) : undefined
  return value
}

function mergedDocument(
  before: Doc,
  given: Doc,
  how: WhenMatched,
  variables: Value | undefined,
  env: PipelineEnv,
): Doc {
  const id = before.get('_id')!
  if (!Array.isArray(how) && given.has('_id') && !sameId(given.get('_id'), id)) {
    throw new DatabaseError(
      66,
      "$merge failed to update the matching document, did you attempt to modify the _id or the shard key? :: caused by :: Performing an update on the path '_id' would modify the immutable field '_id'",
    )
  }
  if (how === 'replace')
    return new Map<string, Value>([['_id', id], ...[...given].filter(([field]) => field !== '_id')])
  if (Array.isArray(how)) {
    const bound: Doc = new Map<string, Value>(env.let ?? [])
    bound.set('new', given)
    if (isDoc(variables)) {
      for (const [name, expression] of variables) {
        const value = evaluateExpression(expression, given, env)
        if (value !== undefined) bound.set(name, value)
      }
    }
    return applyUpdate(before, how.filter(isDoc), { env: { ...env, let: bound } }).doc
  }
  const merged: Doc = new Map(before)
  for (const [field, value] of given) if (field !== '_id') merged.set(field, value)
  return merged
}
