import os from 'node:os'
import { type Doc, int, type Value } from '../bson/value.ts'
import { SERVER_VERSION } from './build-info.ts'
import type { Command } from './command.ts'
import { SET_NAME } from './hello.ts'
import { reply } from './support/reply.ts'

/** How this server does. */
export const serverStatus: Command = {
  name: 'serverStatus',
  run({ server, peer }) {
    const uptime = (server.now().getTime() - server.startedAt) / 1000
    const counters: Doc = new Map(Object.entries(server.counters).map(([name, value]) => [name, BigInt(value)]))
    const memory = process.memoryUsage()
    const megabytes = (bytes: number): Value => int(Math.round(bytes / 1048576))
    return reply({
      host: `${os.hostname()}:${server.port}`,
      version: SERVER_VERSION,
      process: 'mongod',
      pid: BigInt(process.pid),
      uptime,
      uptimeMillis: BigInt(Math.round(uptime * 1000)),
      uptimeEstimate: BigInt(Math.round(uptime)),
      localTime: server.now(),
      connections: new Map<string, Value>([
        ['current', int(server.connections())],
        ['available', int(1_000_000)],
        ['totalCreated', int(peer.id)],
        ['active', int(1)],
      ]),
      logicalSessionRecordCache: new Map([['activeSessionsCount', int(server.sessions.size)]]),
      mem: new Map<string, Value>([
        ['bits', int(64)],
        ['resident', megabytes(memory.rss)],
        ['virtual', megabytes(memory.rss)],
        ['supported', true],
      ]),
      metrics: new Map([
        ['cursor', new Map([['open', new Map<string, Value>([['total', BigInt(server.cursors.size)]])]])],
      ]),
      opcounters: counters,
      repl: new Map<string, Value>([
        ['setName', SET_NAME],
        ['isWritablePrimary', true],
        ['secondary', false],
        ['hosts', [peer.localAddress]],
        ['me', peer.localAddress],
        ['primary', peer.localAddress],
      ]),
      storageEngine: new Map<string, Value>([
        ['name', 'local'],
        ['supportsCommittedReads', true],
        ['readOnly', false],
        ['persistent', server.storagePath !== undefined],
      ]),
      transactions: new Map<string, Value>([
        ['retriedCommandsCount', 0n],
        ['currentOpen', BigInt(server.sessions.openTransactions)],
      ]),
    })
  },
}
