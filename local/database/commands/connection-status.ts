import type { Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Who the client is: this server knows no users. */
export const connectionStatus: Command = {
  name: 'connectionStatus',
  stable: true,
  run: ({ fields }) =>
    reply({
      authInfo: new Map<string, Value>([
        ['authenticatedUsers', []],
        ['authenticatedUserRoles', []],
        ...(fields.boolean('showPrivileges') ? [['authenticatedUserPrivileges', []] as const] : []),
      ]),
    }),
}
