import type { Command } from './command.ts'
import { OK } from './support/reply.ts'

/** Switches on the failures that driver tests ask for. */
export const configureFailPoint: Command = {
  name: 'configureFailPoint',
  adminOnly: true,
  fields: ['mode', 'data'],
  run({ server, fields }) {
    server.failPoints.configure(
      fields.requiredString('configureFailPoint'),
      fields.raw('mode'),
      fields.document('data') ?? new Map(),
    )
    return OK
  },
}
