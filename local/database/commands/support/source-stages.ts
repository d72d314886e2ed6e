import { Binary, type Doc, int, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Invocation } from '../invocation.ts'
import { collectionStats } from './stats.ts'

/** The documents of a stage that reads the server itself; `undefined` when the stage is none of these. */
export function sourceStage(
  invocation: Invocation,
  name: string | undefined,
  stage: string,
  spec: Value,
): Iterable<Doc> | undefined {
  switch (stage) {
    case '$collStats':
      return collStats(invocation, name ?? '', spec)
    case '$indexStats':
      return indexStats(invocation, name ?? '')
    case '$currentOp':
      if (invocation.db !== 'admin' || name !== undefined) {
        throw new DatabaseError(73, "$currentOp must be run against the 'admin' database with {aggregate: 1}")
      }
      return currentOp(invocation)
    case '$listLocalSessions':
      if (name !== undefined) {
        throw new DatabaseError(
          73,
          '$listLocalSessions must be run against the database with {aggregate: 1}, not a collection',
        )
      }
      return sessions(invocation)
    case '$listSessions':
      return sessions(invocation)
    case '$planCacheStats':
      return []
    case '$listSearchIndexes':
      throw new DatabaseError(
        31082,
        'Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable.',
      )
    default:
      return undefined
  }
}

function collStats(invocation: Invocation, name: string, spec: Value): Doc[] {
  const collection = invocation.find(name)
  if (!collection)
    throw new DatabaseError(
      26,
      `Unable to retrieve storageStats in $collStats stage :: caused by :: Collection [${invocation.db}.${name}] not found.`,
    )
  const options = spec instanceof Map ? spec : new Map<string, Value>()
  const document: Doc = new Map<string, Value>([
    ['ns', collection.namespace],
    ['host', invocation.peer.localAddress],
    ['localTime', invocation.server.now()],
  ])
  if (options.has('storageStats')) document.set('storageStats', collectionStats(collection, 1))
  if (options.has('count')) document.set('count', int(collection.records.size))
  if (options.has('latencyStats')) document.set('latencyStats', new Map())
  return [document]
}

function indexStats(invocation: Invocation, name: string): Doc[] {
  const collection = invocation.find(name)
  if (!collection) return []
  return [...collection.indexes.values()].map(
    ({ spec, accesses }) =>
      new Map<string, Value>([
        ['name', spec.name],
        ['key', spec.key],
        ['host', invocation.peer.localAddress],
        [
          'accesses',
          new Map<string, Value>([
            ['ops', BigInt(accesses)],
            ['since', new Date(invocation.server.startedAt)],
          ]),
        ],
        ['spec', spec.description],
      ]),
  )
}

function sessions(invocation: Invocation): Doc[] {
  return [...invocation.server.sessions].map(
    ({ id, lastUse }) =>
      new Map<string, Value>([
        ['_id', new Map([['id', new Binary(Buffer.from(id, 'hex'), Binary.SUBTYPE_UUID)]])],
        ['lastUse', new Date(lastUse)],
      ]),
  )
}

function currentOp(invocation: Invocation): Doc[] {
  return [
    new Map<string, Value>([
      ['type', 'op'],
      ['host', invocation.peer.localAddress],
      ['connectionId', int(invocation.peer.id)],
      ['active', true],
      ['op', 'command'],
      ['ns', `${invocation.db}.$cmd.aggregate`],
      ['command', new Map([...invocation.body].filter(([field]) => field !== '$clusterTime'))],
    ]),
  ]
}
