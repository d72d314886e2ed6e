import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The defaults of reads and writes. */
export const getDefaultRWConcern: Command = {
  name: 'getDefaultRWConcern',
  adminOnly: true,
  run: () =>
    reply({
      defaultReadConcern: new Map([['level', 'local']]),
      defaultWriteConcern: new Map<string, Value>([
        ['w', 'majority'],
        ['wtimeout', int(0)],
      ]),
      defaultWriteConcernSource: 'implicit',
      defaultReadConcernSource: 'implicit',
    }),
}
