import type { Doc, Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Who the client is: this server knows no users. */
export const connectionStatus: Command = {
  name: 'connectionStatus',
  stable: true,
  run({ fields }) {
    const authInfo: Doc = new Map<string, Value>([
      ['authenticatedUsers', []],
      ['authenticatedUserRoles', []],
    ])
    if (fields.boolean('showPrivileges')) authInfo.set('authenticatedUserPrivileges', [])
    return reply({ authInfo })
  },
}
