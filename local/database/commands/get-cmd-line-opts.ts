import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { SET_NAME } from './hello.ts'
import { reply } from './support/reply.ts'

/** The options this server was started with, as `mongod` would name them. */
export const getCmdLineOpts: Command = {
  name: 'getCmdLineOpts',
  adminOnly: true,
  run: ({ server }) =>
    reply({
      argv: ['mongod'],
      parsed: new Map<string, Value>([
        ['net', new Map([['port', int(server.port)]])],
        ['replication', new Map([['replSet', SET_NAME]])],
        ...(server.storagePath === undefined ? [] : [['storage', new Map([['dbPath', server.storagePath]])] as const]),
      ]),
    }),
}
