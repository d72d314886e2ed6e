import type { Command } from './command.ts'
import { OK } from './support/reply.ts'
import { endListed } from './support/session-ids.ts'

/** Ends sessions with what runs in them. */
export const killSessions: Command = {
  name: 'killSessions',
  fields: [],
  run(invocation) {
    endListed(invocation, 'killSessions')
    return OK
  },
}
