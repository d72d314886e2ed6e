import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The client's address. */
export const whatsmyuri: Command = {
  name: 'whatsmyuri',
  run: ({ peer }) => reply({ you: peer.remoteAddress }),
}
