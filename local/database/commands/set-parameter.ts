import { DatabaseError } from '../errors.ts'
import { COMMON_FIELDS, type Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Changes server parameters. */
export const setParameter: Command = {
  name: 'setParameter',
  adminOnly: true,
  run({ body, server }) {
    const given = [...body].filter(([name]) => name !== 'setParameter' && !COMMON_FIELDS.includes(name))
    if (given.length === 0) throw new DatabaseError(72, 'no option found to set, use help:true to see options ')
    const [was] = given.map(([name, value]) => server.parameters.set(name, value))
    return reply({ was: was! })
  },
}
