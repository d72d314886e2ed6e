import type { MongoClient } from 'mongodb'
import { loadTriggerReasons } from '../../runtime/triggers/index.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import { jsonAnswer } from './answers.ts'
import type { HostContext } from './host-context.ts'

const patienceMs = 2_000
const recheckMs = 60_000

/** Server codes for a server that has no change streams: a standalone, or one that does not know the stage. */
const noChangeStreams = new Set([40573, 40324, 115, 238, 59, 168])

/** Tells whether a server has change streams; asked again after a minute when it could not tell. */
export function createChangeStreamProbe(client: MongoClient, database: string): () => Promise<boolean> {
  let known: { answer: boolean; until: number } | undefined
  return async () => {
    if (known !== undefined && Date.now() < known.until) return known.answer
    const stream = client.db(database).watch([], { maxAwaitTimeMS: 1, timeoutMS: patienceMs })
    try {
      await stream.tryNext()
      known = { answer: true, until: Number.POSITIVE_INFINITY }
    } catch (error) {
      const isDefinite = error instanceof Error && 'code' in error && noChangeStreams.has(Number(error.code))
      known = { answer: false, until: isDefinite ? Number.POSITIVE_INFINITY : Date.now() + recheckMs }
    } finally {
      await stream.close().catch(() => {})
    }
    return known.answer
  }
}

/** `GET /ready`: 503 only when the database does not answer; what merely limits the app is a reason. */
export async function handleReady(context: HostContext, hasChangeStreams: () => Promise<boolean>): Promise<Response> {
  const { runtime, settings } = context
  try {
    await runtime.options.stateClient.db('admin').command({ ping: 1 }, { timeoutMS: patienceMs })
    // What the host that runs triggers knows, and what any host can tell of them: mostly the same.
    const reasons = new Set([...(await loadTriggerReasons(runtime)), ...(await settings.readyReasons())])
    if (!(await hasChangeStreams())) reasons.add(changeStreamReason(runtime.built.definition))
    return jsonAnswer({ status: 'ready', reasons: [...reasons] })
  } catch {
    return jsonAnswer({ status: 'unavailable', reasons: ['the database does not answer'] }, 503)
  }
}

function changeStreamReason(definition: AppDefinition): string {
  const triggers = definition.triggers.filter((trigger) => trigger.type === 'DATABASE' && !trigger.disabled).length
  const idle = triggers === 0 ? '' : `; ${triggers} database trigger${triggers === 1 ? '' : 's'} will not fire`
  return `the database has no change streams: live streams are refused${idle}`
}
