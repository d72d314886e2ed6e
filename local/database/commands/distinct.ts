import { hashKey } from '../bson/hash.ts'
import { type Doc, isDoc, type Value } from '../bson/value.ts'
import { createCollation } from '../engine/collation.ts'
import { inContext } from '../errors.ts'
import { toTimestamp } from '../storage/clock.ts'
import { decoded, runPipelineOn } from './aggregate.ts'
import type { Command } from './command.ts'
import { collationOf, read } from './support/reading.ts'
import { reply } from './support/reply.ts'
import { viewPipeline } from './support/view.ts'

/** The different values of one field; elements of arrays count one by one. */
export const distinct: Command = {
  name: 'distinct',
  fields: ['key', 'query', 'collation', 'hint'],
  inTransaction: true,
  run(invocation) {
    const { fields } = invocation
    const name = invocation.collectionName()
    const path = fields.requiredString('key').split('.')
    const filter = fields.document('query') ?? new Map()
    const collection = invocation.find(name)
    const view = invocation.view(collection)
    const collationSpec = fields.document('collation') ?? collationOf(view)
    const collation = createCollation(collationSpec)
    const values = new Map<string, Value>()
    const add = (value: Value): void => {
      const key = hashKey(value, collation)
      if (!values.has(key)) values.set(key, value)
    }
    const found = documents()
    inContext('Executor error during distinct command', () => {
      for (const document of found) {
        for (const value of valuesAt(document, path, 0)) {
          if (Array.isArray(value)) value.forEach(add)
          else add(value)
        }
      }
    })
    return reply({
      values: [...values.values()],
      ...(invocation.snapshotTime === undefined ? {} : { atClusterTime: toTimestamp(invocation.snapshotTime) }),
    })

    function documents(): Iterable<Doc> {
      if (collection && viewPipeline(collection)) {
        return runPipelineOn(invocation, name, [new Map([['$match', filter]])])
      }
      const hint = fields.raw('hint')
      const { records } = read(invocation, view, {
        filter,
        hint: isDoc(hint) && hint.size === 0 ? undefined : hint,
        collation: collationSpec,
      })
      return decoded(records)
    }
  },
}

function* valuesAt(value: Value, path: readonly string[], depth: number): Generator<Value> {
  if (depth === path.length) {
    yield value
    return
  }
  const part = path[depth]!
  if (isDoc(value)) {
    const next = value.get(part)
    if (next !== undefined) yield* valuesAt(next, path, depth + 1)
  } else if (Array.isArray(value)) {
    if (/^\d+$/.test(part)) {
      const element = value[Number(part)]
      if (element !== undefined) yield* valuesAt(element, path, depth + 1)
    }
    for (const element of value) if (isDoc(element)) yield* valuesAt(element, path, depth)
  }
}
