import { built } from 'atlas-edge:app'
import { DurableObject } from 'cloudflare:workers'
import { createTriggerRunner, type TriggerRunner } from '../runtime/triggers/index.ts'
import type { WorkerEnv } from './worker-env.ts'
import { createWorkerRuntime, streamPool } from './worker-runtime.ts'

/** Runs the app's database and scheduled triggers; a cron every minute keeps it alive. */
export class TriggerHost extends DurableObject<WorkerEnv> {
  private readonly runner: TriggerRunner

  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, env)
    this.runner = createTriggerRunner(createWorkerRuntime(built, env, streamPool))
  }

  /** Opens the streams, when nobody else has, and runs what is due in the minute of `instant` (ms since 1970). */
  async tick(instant: number): Promise<void> {
    await this.runner.start()
    await this.runner.runSchedules(new Date(instant))
  }
}
