import { int, isDoc } from '../bson/value.ts'
import { runPipelineOn } from './aggregate.ts'
import type { Command } from './command.ts'
import { read } from './support/reading.ts'
import { reply } from './support/reply.ts'
import { viewPipeline } from './support/view.ts'

/** Counts the documents that match. */
export const count: Command = {
  name: 'count',
  fields: ['query', 'limit', 'skip', 'hint', 'collation', 'fields'],
  stable: true,
  run(invocation) {
    const { fields } = invocation
    const name = invocation.collectionName()
    const filter = fields.document('query') ?? new Map()
    // A negative limit counts like a positive one.
    const limit = Math.abs(fields.integer('limit', Number.MIN_SAFE_INTEGER) ?? 0)
    const skip = fields.integer('skip') ?? 0
    const collection = invocation.find(name)
    if (collection && viewPipeline(collection)) {
      let n = 0
      for (const _ of runPipelineOn(invocation, name, [new Map([['$match', filter]])])) n++
      return reply({ n: int(n) })
    }
    const view = invocation.view(collection)
    const hint = fields.raw('hint')
    if (filter.size === 0 && hint === undefined) {
      const rest = Math.max(0, view.size - skip)
      return reply({ n: int(limit ? Math.min(limit, rest) : rest) })
    }
    const { records } = read(invocation, view, {
      filter,
      skip,
      limit,
      hint: isDoc(hint) && hint.size === 0 ? undefined : hint,
      collation: fields.document('collation'),
      countsOnly: true,
    })
    let n = 0
    for (const _ of records) n++
    return reply({ n: int(n) })
  },
}
