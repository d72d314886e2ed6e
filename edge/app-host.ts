import { built } from 'atlas-edge:app'
import { DurableObject } from 'cloudflare:workers'
import { ensureUserIndexes, openUserState } from '../runtime/users/state.ts'
import { parseEdgeSettingsText } from '../schemas/edge-settings.ts'
import { createHost } from './host/host.ts'
import type { Host, HostRequest } from './host-request.ts'
import { type PackedAnswer, packAnswer } from './packed-answer.ts'
import type { WorkerEnv } from './worker-env.ts'
import { logLine } from './worker-log.ts'
import { createWorkerRuntime, type PoolOptions, requestPool, streamPool } from './worker-runtime.ts'

/** Owns the connections to the cluster and runs the app beside them: one hop from any Worker (design decision 4). */
export class AppHost extends DurableObject<WorkerEnv> {
  private readonly host: Host

  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, env)
    const runtime = createWorkerRuntime(built, env, this.pool())
    this.host = createHost(runtime, {
      signingKey: env.EDGE_SIGNING_KEY,
      settings: parseEdgeSettingsText(env.EDGE_SETTINGS),
      plainActionErrors: env.EDGE_PLAIN_ACTION_ERRORS === 'true',
      readyReasons: () => triggerReasons(env),
    })
    const state = openUserState(runtime.options.stateClient, built.definition.clientAppId)
    ctx.waitUntil(
      ensureUserIndexes(state).catch((error) =>
        logLine({ type: 'system', status: 'error', name: 'ensure indexes', error: String(error) }),
      ),
    )
  }

  protected pool(): PoolOptions {
    return requestPool
  }

  async handle(request: HostRequest): Promise<PackedAnswer> {
    return packAnswer(await this.host.handle(request))
  }
}

const patienceMs = 1_000

/** What the object that runs triggers says of itself; nothing when it does not answer soon. */
async function triggerReasons(env: WorkerEnv): Promise<readonly string[]> {
  if (!built.definition.triggers.some(({ type, disabled }) => type !== 'AUTHENTICATION' && !disabled)) return []
  const host = env.TRIGGER_HOST.get(env.TRIGGER_HOST.idFromName(built.definition.clientAppId))
  const late = new Promise<readonly string[]>((resolve) => setTimeout(resolve, patienceMs, []))
  return Promise.race([host.reasons(), late]).catch(() => [])
}

/** An `AppHost` for live streams, so that they never starve the requests. */
export class StreamHost extends AppHost {
  protected override pool(): PoolOptions {
    return streamPool
  }
}
