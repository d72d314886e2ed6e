import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { logFailures } from '../../cli/open-runtime.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import type { BuiltApp } from '../../runtime/function-module.ts'
import type { EdgeSettingsInput } from '../../schemas/edge-settings.ts'
import { startWorkerEdge } from '../worker-host.ts'
import type { DevOptions } from './options.ts'

export interface EdgeSettings {
  readonly options: DevOptions
  readonly built: BuiltApp
  /** The App Services folder that was built. */
  readonly folder: string
  readonly uri: string
  readonly secrets: Readonly<Record<string, string>>
  /** Why triggers of this process do not run, for `/ready`. */
  readonly readyReasons: () => readonly string[]
  /** Issuers, address ranges and limits beside what the app says. */
  readonly settings: EdgeSettingsInput
  readonly progress: (text: string) => void
}

export interface RunningEdge {
  readonly url: string
  close(): Promise<void>
}

/** The edge on the host that was asked for; both serve the same app. */
export async function startEdge(settings: EdgeSettings): Promise<RunningEdge> {
  return settings.options.host === 'node' ? startOnNode(settings) : startOnWorkerd(settings)
}

function startOnNode({
  options,
  built,
  uri,
  secrets,
  settings,
  readyReasons,
  progress,
}: EdgeSettings): Promise<RunningEdge> {
  return startNodeEdge({
    built,
    uri,
    port: options.port,
    secrets,
    settings,
    allowDevelopmentOrigins: true,
    allowPrivateHosts: true,
    readyReasons,
    log: logFailures(progress),
  })
}

async function startOnWorkerd({
  options,
  folder,
  uri,
  secrets,
  settings,
  progress,
}: EdgeSettings): Promise<RunningEdge> {
  const outDir = await mkdtemp(path.join(repositoryRoot, '.atlas-edge', 'run', 'worker-'))
  const remove = (): Promise<void> => rm(outDir, { recursive: true, force: true })
  try {
    const { outFile } = await bundleWorker({
      entry: path.join(repositoryRoot, 'edge', 'worker.ts'),
      appDir: folder,
      outDir,
      progress,
    })
    const edge = await startWorkerEdge({ bundle: outFile, uri, port: options.port, secrets, settings, onLog: progress })
    return { url: edge.url, close: () => edge.close() }
  } finally {
    await remove()
  }
}
