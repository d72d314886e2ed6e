import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** The version of MongoDB that this server stands in for. */
export const SERVER_VERSION = '8.0.0'

/** What this server is. */
export const buildInfo: Command = {
  name: 'buildInfo',
  run: () =>
    reply({
      version: SERVER_VERSION,
      gitVersion: 'atlas-edge-local-database',
      modules: [],
      allocator: 'system',
      javascriptEngine: 'none',
      sysInfo: 'deprecated',
      versionArray: SERVER_VERSION.split('.')
        .map((part) => int(Number(part)))
        .concat(int(0)),
      openssl: new Map<string, Value>([['running', 'none']]),
      bits: int(64),
      debug: false,
      maxBsonObjectSize: int(16 * 1024 * 1024),
      storageEngines: ['local'],
    }),
}
