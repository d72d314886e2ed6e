import type { Command } from './command.ts'
import { OK } from './support/reply.ts'
import { sessionIds } from './support/session-ids.ts'

/** Keeps sessions from being forgotten. */
export const refreshSessions: Command = {
  name: 'refreshSessions',
  fields: [],
  stable: true,
  run({ server, body }) {
    for (const id of sessionIds(body.get('refreshSessions'))) server.sessions.use(id)
    return OK
  },
}
