import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { SET_NAME } from './hello.ts'
import { reply } from './support/reply.ts'

/** The replica set's configuration: this one member. */
export const replSetGetConfig: Command = {
  name: 'replSetGetConfig',
  adminOnly: true,
  run: ({ peer }) =>
    reply({
      config: new Map<string, Value>([
        ['_id', SET_NAME],
        ['version', int(1)],
        ['term', int(1)],
        [
          'members',
          [
            new Map<string, Value>([
              ['_id', int(0)],
              ['host', peer.localAddress],
              ['priority', 1],
              ['votes', int(1)],
            ]),
          ],
        ],
        ['settings', new Map()],
      ]),
    }),
}
