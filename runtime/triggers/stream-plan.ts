import { type Document, EJSON } from 'bson'
import type { DatabaseTrigger } from '../../schemas/app/definition.ts'
import { eventOperations } from './change-pipeline.ts'
import type { StoredTrigger } from './trigger-store.ts'

/** Triggers that one change stream can serve. */
export interface StreamPlan {
  readonly triggers: readonly DatabaseTrigger[]
  /** Union of the triggers' event names. */
  readonly operations: readonly string[]
  /** Where the stream continues; undefined: from now on. */
  readonly token: Document | undefined
}

/** What must be equal for triggers to share a stream: the source, what it sends, how it is read, and the position. */
function streamKey({ config }: DatabaseTrigger, token: Document | undefined): string {
  const { operation_types: _, skip_catchup_events: __, maximum_throughput: ___, ...shared } = config
  return EJSON.stringify([Object.entries(shared).sort(([a], [b]) => (a < b ? -1 : 1)), token ?? null])
}

/** One stream for each set of triggers that watch the same and stand at the same change. */
export function planStreams(
  triggers: readonly DatabaseTrigger[],
  stored: ReadonlyMap<string, StoredTrigger>,
): StreamPlan[] {
  const groups = new Map<string, { triggers: DatabaseTrigger[]; token: Document | undefined }>()
  for (const trigger of triggers) {
    const token = stored.get(trigger.name)?.token
    const key = streamKey(trigger, token)
    const group = groups.get(key) ?? { triggers: [], token }
    group.triggers.push(trigger)
    groups.set(key, group)
  }
  return [...groups.values()].map((group) => ({
    ...group,
    operations: [...new Set(group.triggers.flatMap(eventOperations))],
  }))
}
