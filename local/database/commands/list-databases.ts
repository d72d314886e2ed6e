import type { Doc, Value } from '../bson/value.ts'
import { compileFilter } from '../engine/match/filter.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The databases of this server. */
export const listDatabases: Command = {
  name: 'listDatabases',
  adminOnly: true,
  fields: ['filter', 'nameOnly', 'authorizedDatabases'],
  stable: true,
  run(invocation) {
    const { server, fields } = invocation
    const matches = compileFilter(fields.document('filter') ?? new Map(), invocation.env())
    const nameOnly = fields.boolean('nameOnly') ?? false
    const databases: Doc[] = []
    let total = 0
    const names = new Set([...server.store.databases.keys(), 'admin', 'config', 'local'])
    for (const name of [...names].sort()) {
      let size = 0
      for (const collection of server.store.collections(name)) size += collection.bytes + 4096
      const description: Doc = new Map<string, Value>([
        ['name', name],
        ['sizeOnDisk', BigInt(size)],
        ['empty', size === 0],
      ])
      if (!matches(description)) continue
      total += size
      databases.push(nameOnly ? new Map([['name', name]]) : description)
    }
    if (nameOnly) return reply({ databases })
    return reply({ databases, totalSize: BigInt(total), totalSizeMb: BigInt(Math.floor(total / 1048576)) })
  },
}
