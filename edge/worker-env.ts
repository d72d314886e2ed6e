import type { AppHost, StreamHost } from './app-host.ts'
import type { TriggerHost } from './trigger-host.ts'

/** Bindings of `wrangler.jsonc`, and secrets: each secret of the app under its own name, or all in `EDGE_SECRETS`. */
export interface WorkerEnv {
  APP_HOST: DurableObjectNamespace<AppHost>
  STREAM_HOST: DurableObjectNamespace<StreamHost>
  TRIGGER_HOST: DurableObjectNamespace<TriggerHost>
  /** Secret: connection string of the cluster. */
  MONGODB_URI: string
  /** Secret: signs session tokens, at least 32 bytes. */
  EDGE_SIGNING_KEY: string
  /** Secret: JSON object of the app's secrets, for names that a binding cannot have. */
  EDGE_SECRETS?: string
  /** Objects that share the load; default 1. One carries about 500 requests a second. */
  EDGE_SHARDS?: string
  /** Where the cluster is: `enam`, `weur`, ... Counts when an object is first made. */
  EDGE_LOCATION_HINT?: string
  /** JSON: issuers, address ranges and limits (`schemas/edge-settings.ts`). */
  EDGE_SETTINGS?: string
  /** `true`: pages on the developer's machine may send credential headers, functions may call private addresses. */
  EDGE_DEVELOPMENT?: string
  /** `true`: errors of an action as a bare JSON string. */
  EDGE_PLAIN_ACTION_ERRORS?: string
}

const reserved = /^(MONGODB_URI$|EDGE_)/

/** The app's secrets, by name. The edge's own settings are none of them. */
export function secretsOf(env: WorkerEnv): Record<string, string> {
  const secrets: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === 'string' && !reserved.test(name)) secrets[name] = value
  }
  const listed: unknown = env.EDGE_SECRETS ? JSON.parse(env.EDGE_SECRETS) : {}
  if (typeof listed !== 'object' || listed === null) throw new TypeError('EDGE_SECRETS must be a JSON object')
  for (const [name, value] of Object.entries(listed)) {
    if (typeof value === 'string') secrets[name] = value
  }
  return secrets
}
