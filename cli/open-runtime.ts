import type { MongoClient } from 'mongodb'
import { createRuntime } from '../runtime/create-runtime.ts'
import type { LogEntry } from '../runtime/log.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { loadBuiltApp } from './built-app.ts'
import type { CommandContext } from './command.ts'
import { connect } from './connect.ts'

export interface OpenRuntime {
  readonly runtime: Runtime
  readonly client: MongoClient
  close(): Promise<void>
}

/**
 * What functions log, and that they failed, on stderr; what went well is not worth a line in a command.
 *
 * @param silent failures are told by the caller
 */
export function logFailures(progress: (text: string) => void, silent = false): (entry: LogEntry) => void {
  return (entry) => {
    for (const line of entry.logs ?? []) progress(`  ${entry.name ?? entry.type}: ${line}`)
    if (entry.status === 'error' && !silent)
      progress(`  ${entry.type} ${entry.name ?? ''} failed: ${entry.error ?? 'unknown'}`)
  }
}

/**
 * The app of `--app`, built as for the edge, on the server of `--uri`: commands run the very functions that run in
 * production.
 *
 * @throws {CommandError} when the server does not answer or the folder is no app
 */
export async function openRuntime(
  context: Pick<CommandContext, 'uri' | 'appDir' | 'secrets' | 'progress'>,
  { silentFailures = false }: { silentFailures?: boolean } = {},
): Promise<OpenRuntime> {
  const { built } = await loadBuiltApp(context.appDir, context.progress)
  const client = await connect(context.uri)
  const runtime = createRuntime({
    built,
    clientFor: () => client,
    stateClient: client,
    secrets: context.secrets,
    now: () => new Date(),
    fetch,
    log: logFailures(context.progress, silentFailures),
  })
  return { runtime, client, close: () => client.close() }
}
