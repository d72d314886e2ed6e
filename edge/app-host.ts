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

/** An `AppHost` for live streams, so that they never starve the requests. */
export class StreamHost extends AppHost {
  protected override pool(): PoolOptions {
    return streamPool
  }
}
