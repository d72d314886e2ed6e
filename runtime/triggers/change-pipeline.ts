import { type Document, EJSON } from 'bson'
import type { DatabaseTrigger } from '../../schemas/app/definition.ts'

/** Values of `operation_types` whose event is not their lower camel case (spec: triggers 2.2). */
const collectionOperations: Readonly<Record<string, string>> = {
  CREATE_COLLECTION: 'create',
  MODIFY_COLLECTION: 'modify',
  RENAME_COLLECTION: 'rename',
  DROP_COLLECTION: 'drop',
}

/** Events that a server sends only with `showExpandedEvents`. */
const expandedOperations: ReadonlySet<string> = new Set([
  'create',
  'createIndexes',
  'dropIndexes',
  'modify',
  'shardCollection',
  'reshardCollection',
  'refineCollectionShardKey',
])

/** Databases that a deployment-wide trigger never sees (spec: triggers 2.1). */
const hiddenDatabases = /^(admin|local|config|__realm_sync(_.*)?)$/

/** `CREATE_INDEXES` as an event names it: `createIndexes`. */
export function eventOperation(operationType: string): string {
  return (
    collectionOperations[operationType] ??
    operationType.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  )
}

export function eventOperations(trigger: DatabaseTrigger): string[] {
  return trigger.config.operation_types.map(eventOperation)
}

/** Names what a trigger watches. */
export function sourceOf({ config }: DatabaseTrigger): string {
  return [config.service_name, config.database, config.collection].join('/')
}

/** What `watch` is called with for triggers of the same source, match, project and document options. */
export interface WatchPlan {
  readonly pipeline: Document[]
  readonly options: Document
  /** True when the function must not see `_id`, which the runner itself needs. */
  readonly hidesId: boolean
}

function sourceMatch(trigger: DatabaseTrigger, stateDatabase: string): Document {
  if (trigger.config.database !== '') return {}
  // The runner's own positions would wake it for ever.
  return { 'ns.db': { $nin: [hiddenDatabases, stateDatabase] } }
}

/**
 * The change stream of a trigger: operation types, then `match` on the raw event, then `project` (spec: triggers 2.3).
 * `invalidate` always passes, since it ends the stream.
 */
export function watchPlan(trigger: DatabaseTrigger, operations: readonly string[], stateDatabase: string): WatchPlan {
  const { config } = trigger
  const match = EJSON.deserialize(config.match, { relaxed: true }) as Document
  const wanted = [{ operationType: { $in: operations } }, sourceMatch(trigger, stateDatabase), match]
  const { _id: id, ...project } = EJSON.deserialize(config.project, { relaxed: true }) as Document
  return {
    pipeline: [
      {
        $match: {
          $or: [{ operationType: 'invalidate' }, { $and: wanted.filter((part) => Object.keys(part).length > 0) }],
        },
      },
      ...(Object.keys(project).length === 0 ? [] : [{ $project: { ...project, operationType: 1 } }]),
    ],
    options: {
      ...(config.full_document ? { fullDocument: 'updateLookup' } : {}),
      ...(config.full_document_before_change ? { fullDocumentBeforeChange: 'whenAvailable' } : {}),
      ...(operations.some((operation) => expandedOperations.has(operation)) ? { showExpandedEvents: true } : {}),
    },
    hidesId: id === 0 || id === false,
  }
}
