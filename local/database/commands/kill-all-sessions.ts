import type { Command } from './command.ts'
import { OK } from './support/reply.ts'

/** Aborts every transaction and closes every session's cursors. */
export const killAllSessions: Command = {
  name: 'killAllSessions',
  run({ server }) {
    server.sessions.abortAll()
    server.cursors.killWhere((cursor) => cursor.session !== undefined)
    return OK
  },
}
