import os from 'node:os'
import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The machine this server runs on. */
export const hostInfo: Command = {
  name: 'hostInfo',
  run: ({ server }) =>
    reply({
      system: new Map<string, Value>([
        ['currentTime', server.now()],
        ['hostname', os.hostname()],
        ['cpuAddrSize', int(64)],
        ['memSizeMB', BigInt(Math.round(os.totalmem() / 1048576))],
        ['numCores', int(os.availableParallelism())],
        ['cpuArch', os.arch()],
        ['numaEnabled', false],
      ]),
      os: new Map<string, Value>([
        ['type', os.type()],
        ['name', os.platform()],
        ['version', os.release()],
      ]),
      extra: new Map(),
    }),
}
