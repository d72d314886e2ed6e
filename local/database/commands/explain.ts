import os from 'node:os'
import { type Doc, int, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { countsOnly } from '../storage/plan/covered.ts'
import type { ScanCounts } from '../storage/plan/execute.ts'
import type { IndexScan, Plan } from '../storage/plan/planner.ts'
import { splitPipeline } from './aggregate.ts'
import { SERVER_VERSION } from './build-info.ts'
import type { Command } from './command.ts'
import { findOptions } from './find.ts'
import { Invocation } from './invocation.ts'
import { isCommand } from './registry.ts'
import { type FindOptions, read } from './support/reading.ts'
import { type Reply, reply } from './support/reply.ts'

const VERBOSITIES = new Set(['queryPlanner', 'executionStats', 'allPlansExecution'])

/** Says how a command would find its documents, and, when asked, what that costs. */
export const explain: Command = {
  name: 'explain',
  fields: ['verbosity'],
  stable: true,
  run(invocation): Reply {
    const command = invocation.fields.requiredDocument('explain')
    const verbosity = invocation.fields.string('verbosity') ?? 'allPlansExecution'
    if (!VERBOSITIES.has(verbosity)) {
      throw new DatabaseError(
        9,
        `verbosity string must be one of {'queryPlanner', 'executionStats', 'allPlansExecution'}`,
      )
    }
    return explainCommand(invocation, command, verbosity)
  },
}

/** Explains a command given as its document. */
export function explainCommand(invocation: Invocation, command: Doc, verbosity: string): Reply {
  const { server, peer, db, session } = invocation
  const name = command.keys().next().value ?? ''
  const inner = new Invocation({ server, peer, name, db, body: command, sequences: new Map(), session })
  const { options, rest } = readOf(inner, name)
  const collection = inner.collectionName()
  const counts: ScanCounts = { keys: 0, documents: 0 }
  const { plan, records, covered } = read(inner, inner.view(inner.find(collection)), options, counts)
  const started = performance.now()
  let returned = 0
  if (verbosity !== 'queryPlanner') for (const _ of records) returned++
  const milliseconds = Math.round(performance.now() - started)
  const winning = stages(plan, options, name, covered)
  const planner: Doc = new Map<string, Value>([
    ['namespace', `${db}.${collection}`],
    ['parsedQuery', options.filter],
    ['indexFilterSet', false],
    ['maxIndexedOrSolutionsReached', false],
    ['maxIndexedAndSolutionsReached', false],
    ['maxScansToExplodeReached', false],
    ['winningPlan', winning],
    ['rejectedPlans', []],
  ])
  const statistics: Doc = new Map<string, Value>([
    ['executionSuccess', true],
    ['nReturned', int(returned)],
    ['executionTimeMillis', int(milliseconds)],
    ['totalKeysExamined', int(counts.keys)],
    ['totalDocsExamined', int(counts.documents)],
    ['executionStages', withCounts(winning, counts, returned)],
  ])
  const shown = verbosity === 'queryPlanner' ? {} : { executionStats: statistics }
  const serverInfo: Doc = new Map<string, Value>([
    ['host', os.hostname()],
    ['port', int(server.port)],
    ['version', SERVER_VERSION],
    ['gitVersion', 'atlas-edge-local-database'],
  ])
  if (rest.length === 0) {
    return reply({ explainVersion: '1', queryPlanner: planner, ...shown, command: withDb(command, db), serverInfo })
  }
  const cursorStage: Doc = new Map<string, Value>([
    ['$cursor', new Map<string, Value>([['queryPlanner', planner], ...Object.entries(shown)])],
  ])
  return reply({ explainVersion: '1', stages: [cursorStage, ...rest], command: withDb(command, db), serverInfo })
}

function withDb(command: Doc, db: string): Doc {
  return new Map<string, Value>([...command, ['$db', db]])
}

function readOf(inner: Invocation, name: string): { options: FindOptions; rest: Doc[] } {
  const { fields } = inner
  switch (name) {
    case 'find':
      return { options: findOptions(inner), rest: [] }
    case 'aggregate': {
      const { options, rest } = splitPipeline(fields.documents('pipeline') ?? [])
      const hint = fields.raw('hint')
      return {
        options: { ...options, hint, collation: fields.document('collation'), countsOnly: countsOnly(rest) },
        rest,
      }
    }
    case 'count':
    case 'distinct':
      return {
        options: {
          filter: fields.document('query') ?? new Map(),
          hint: fields.raw('hint'),
          collation: fields.document('collation'),
          countsOnly: name === 'count',
        },
        rest: [],
      }
    case 'update':
    case 'delete': {
      const [statement] = fields.documents(`${name}s`) ?? []
      const filter = statement?.get('q')
      return { options: { filter: isDoc(filter) ? filter : new Map(), hint: statement?.get('hint') }, rest: [] }
    }
    case 'findAndModify':
    case 'findandmodify':
      return {
        options: { filter: fields.document('query') ?? new Map(), sort: fields.document('sort'), limit: 1 },
        rest: [],
      }
    default:
      throw isCommand(name)
        ? new DatabaseError(20, `Cannot explain cmd: ${name}`)
        : new DatabaseError(59, `Explain failed due to unknown command: ${name}`)
  }
}

/** The plan in the shape of MongoDB's `winningPlan`. */
function stages(plan: Plan, options: FindOptions, command: string, covered: boolean): Doc {
  let stage = covered && plan.kind === 'index' ? indexStage(plan, 'COUNT_SCAN') : scanStage(plan, options)
  const sort = options.sort && options.sort.size > 0 && !options.sort.has('$natural') ? options.sort : undefined
  const sorted = plan.kind === 'id' || (plan.kind !== 'union' && plan.sorted)
  if (sort && !sorted) {
    stage = new Map<string, Value>([
      ['stage', 'SORT'],
      ['sortPattern', sort],
      ['memLimit', int(104857600)],
      ...(options.limit ? [['limitAmount', int(options.limit + (options.skip ?? 0))] as [string, Value]] : []),
      ['type', 'simple'],
      ['inputStage', stage],
    ])
  }
  if (options.skip) stage = wrap('SKIP', stage, [['skipAmount', int(options.skip)]])
  if (options.limit && (!sort || sorted)) stage = wrap('LIMIT', stage, [['limitAmount', int(options.limit)]])
  if (options.projection && options.projection.size > 0) {
    stage = wrap('PROJECTION_DEFAULT', stage, [['transformBy', options.projection]])
  }
  if (command === 'count') stage = wrap('COUNT', stage, [])
  return stage
}

function wrap(name: string, input: Doc, more: readonly [string, Value][]): Doc {
  return new Map<string, Value>([['stage', name], ...more, ['inputStage', input]])
}

function scanStage(plan: Plan, options: FindOptions): Doc {
  const filter: [string, Value][] = options.filter.size > 0 ? [['filter', options.filter]] : []
  switch (plan.kind) {
    case 'collection':
      return new Map<string, Value>([
        ['stage', 'COLLSCAN'],
        ...filter,
        ['direction', plan.reverse ? 'backward' : 'forward'],
      ])
    case 'id':
      return new Map<string, Value>([
        ['stage', 'EXPRESS_IXSCAN'],
        ['keyPattern', '{ _id: 1 }'],
        ['indexName', '_id_'],
      ])
    case 'index':
      return wrap('FETCH', indexStage(plan), filter)
    case 'union':
      return new Map<string, Value>([
        ['stage', 'FETCH'],
        ...filter,
        [
          'inputStage',
          new Map<string, Value>([
            ['stage', 'OR'],
            ['inputStages', plan.branches.map((branch) => indexStage(branch))],
          ]),
        ],
      ])
  }
}

function indexStage({ index, reverse, fields, bounds }: IndexScan, name = 'IXSCAN'): Doc {
  const { spec } = index
  return new Map<string, Value>([
    ['stage', name],
    ['keyPattern', spec.wildcard ? new Map(fields.map((field) => [field, [...spec.key.values()][0]!])) : spec.key],
    ['indexName', spec.name],
    ['isMultiKey', index.multikey],
    ['isUnique', spec.unique],
    ['isSparse', spec.sparse],
    ['isPartial', spec.partialFilter !== undefined],
    ['indexVersion', int(2)],
    ['direction', reverse ? 'backward' : 'forward'],
    ['indexBounds', new Map(fields.map((field, at) => [field, [...bounds[at]!]]))],
  ])
}

function withCounts(stage: Doc, counts: ScanCounts, returned: number): Doc {
  const counted: Doc = new Map(stage)
  counted.set('nReturned', int(returned))
  const name = stage.get('stage')
  if (name === 'IXSCAN' || name === 'COUNT_SCAN' || name === 'EXPRESS_IXSCAN')
    counted.set('keysExamined', int(counts.keys))
  if (name === 'COLLSCAN' || name === 'FETCH') counted.set('docsExamined', int(counts.documents))
  const input = stage.get('inputStage')
  if (isDoc(input)) counted.set('inputStage', withCounts(input, counts, name === 'FETCH' ? counts.keys : returned))
  return counted
}
