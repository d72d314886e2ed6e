import type { Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Closes cursors. */
export const killCursors: Command = {
  name: 'killCursors',
  fields: ['cursors'],
  inTransaction: true,
  stable: true,
  run({ server, fields }) {
    const killed: Value[] = []
    const notFound: Value[] = []
    for (const id of fields.array('cursors') ?? []) {
      const known = typeof id === 'bigint' ? id : BigInt(Number(id?.valueOf() ?? 0))
      if (server.cursors.kill(known)) killed.push(known)
      else notFound.push(known)
    }
    return reply({ cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] })
  },
}
