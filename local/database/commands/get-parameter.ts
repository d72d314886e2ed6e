import { type Doc, isDoc } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'

/** Reads server parameters. */
export const getParameter: Command = {
  name: 'getParameter',
  adminOnly: true,
  run({ body, server }) {
    const first = body.get('getParameter')
    const all = first === '*' || (isDoc(first) && first.get('allParameters') === true)
    const found: Doc = new Map()
    for (const [name, value] of server.parameters) if (all || body.has(name)) found.set(name, value)
    if (found.size === 0) throw new DatabaseError(72, 'no option found to get')
    return { fields: found }
  },
}
