import type { Command } from './command.ts'
import { OK } from './support/reply.ts'
import { endListed } from './support/session-ids.ts'

/** Forgets sessions that a client no longer uses. */
export const endSessions: Command = {
  name: 'endSessions',
  fields: [],
  stable: true,
  run(invocation) {
    endListed(invocation, 'endSessions')
    return OK
  },
}
