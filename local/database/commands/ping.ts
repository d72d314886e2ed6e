import type { Command } from './command.ts'
import { OK } from './support/reply.ts'

/** Answers. */
export const ping: Command = { name: 'ping', stable: true, run: () => OK }
