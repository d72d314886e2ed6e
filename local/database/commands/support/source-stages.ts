import { Binary, type Doc, int, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Invocation } from '../invocation.ts'
import { Fields } from './fields.ts'
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

/** The parts of `$collStats`, each with the options that it takes. */
const COLL_STATS: Readonly<Record<string, readonly string[]>> = {
  latencyStats: ['histograms'],
  storageStats: ['scale', 'verbose', 'waitForLock', 'numericOnly'],
  count: [],
  queryExecStats: [],
}

/** @throws {DatabaseError} 5447000, 40415, 14 TypeMismatch */
function checkCollStats(spec: Value): Doc {
  if (!isDoc(spec)) throw new DatabaseError(5447000, '$collStats must take a nested object but found a scalar')
  for (const part of spec.keys()) {
    const known = COLL_STATS[part]
    if (!known) throw new DatabaseError(40415, `BSON field '$collStats.${part}' is an unknown field.`)
    const fields = new Fields(spec, '$collStats').requiredDocument(part)
    for (const option of fields.keys()) {
      if (!known.includes(option)) {
        throw new DatabaseError(40415, `BSON field '$collStats.${part}.${option}' is an unknown field.`)
      }
    }
  }
  return spec
}

function collStats(invocation: Invocation, name: string, spec: Value): Doc[] {
  const options = checkCollStats(spec)
  const collection = invocation.find(name)
  const stored = ['storageStats', 'count'].find((part) => options.has(part))
  if (!collection && stored !== undefined) {
    throw new DatabaseError(
      26,
      `Unable to retrieve ${stored} in $collStats stage :: caused by :: Collection [${invocation.db}.${name}] not found.`,
    )
  }
  const document: Doc = new Map<string, Value>([
    ['ns', `${invocation.db}.${name}`],
    ['host', invocation.peer.localAddress],
    ['localTime', invocation.server.now()],
  ])
  if (options.has('latencyStats')) {
    const none: Doc = new Map<string, Value>([
      ['latency', 0n],
      ['ops', 0n],
      ['queryableEncryptionLatencyMicros', 0n],
    ])
    document.set('latencyStats', new Map(['reads', 'writes', 'commands', 'transactions'].map((kind) => [kind, none])))
  }
  const storage = options.get('storageStats')
  if (collection && isDoc(storage)) {
    document.set(
      'storageStats',
      collectionStats(collection, new Fields(storage, 'storageStats').integer('scale', 1) ?? 1),
    )
  }
  if (collection && options.has('count')) document.set('count', int(collection.records.size))
  if (options.has('queryExecStats')) {
    const scans: Doc = new Map<string, Value>([
      ['total', 0n],
      ['nonTailable', 0n],
    ])
    document.set('queryExecStats', new Map([['collectionScans', scans]]))
  }
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
