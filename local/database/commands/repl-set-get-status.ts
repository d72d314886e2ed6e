import { int, type Value } from '../bson/value.ts'
import { toTimestamp } from '../storage/clock.ts'
import type { Command } from './command.ts'
import { SET_NAME } from './hello.ts'
import { reply } from './support/reply.ts'

/** The replica set: this one member. */
export const replSetGetStatus: Command = {
  name: 'replSetGetStatus',
  adminOnly: true,
  run: ({ server, peer }) =>
    reply({
      set: SET_NAME,
      date: server.now(),
      myState: int(1),
      term: 1n,
      members: [
        new Map<string, Value>([
          ['_id', int(0)],
          ['name', peer.localAddress],
          ['health', 1],
          ['state', int(1)],
          ['stateStr', 'PRIMARY'],
          ['uptime', int(Math.floor((server.now().getTime() - server.startedAt) / 1000))],
          [
            'optime',
            new Map<string, Value>([
              ['ts', toTimestamp(server.store.clock.last)],
              ['t', 1n],
            ]),
          ],
          ['self', true],
        ]),
      ],
    }),
}
