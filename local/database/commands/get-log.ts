import { int } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The server's log: it keeps none. */
export const getLog: Command = {
  name: 'getLog',
  adminOnly: true,
  run({ fields }) {
    const name = fields.requiredString('getLog')
    if (name === '*') return reply({ names: ['global', 'startupWarnings'] })
    if (name !== 'global' && name !== 'startupWarnings') throw new DatabaseError(96, `no RamLog named: ${name}`)
    return reply({ totalLinesWritten: int(0), log: [] })
  },
}
