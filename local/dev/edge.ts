import { logFailures } from '../../cli/open-runtime.ts'
import { startNodeEdge } from '../../edge/node.ts'
import type { BuiltApp } from '../../runtime/function-module.ts'
import type { DevOptions } from './options.ts'

export interface EdgeSettings {
  readonly options: DevOptions
  readonly built: BuiltApp
  /** The App Services folder that was built. */
  readonly folder: string
  readonly uri: string
  readonly secrets: Readonly<Record<string, string>>
  readonly progress: (text: string) => void
}

/** The edge on the host that was asked for; both serve the same app. */
export async function startEdge(settings: EdgeSettings): Promise<{ url: string; close(): Promise<void> }> {
  const { options, built, uri, secrets, progress } = settings
  return startNodeEdge({
    built,
    uri,
    port: options.port,
    secrets,
    allowDevelopmentOrigins: true,
    allowPrivateHosts: true,
    log: logFailures(progress),
  })
}
