import { built } from 'atlas-edge:app'
import { DurableObject } from 'cloudflare:workers'
import { createTriggerRunner, type TriggerRunner } from '../runtime/triggers/index.ts'
import { parseEdgeSettingsText, triggerOptionsOf } from '../schemas/edge-settings.ts'
import type { WorkerEnv } from './worker-env.ts'
import { logLine } from './worker-log.ts'
import { createWorkerRuntime, triggerPool } from './worker-runtime.ts'

/**
 * An alarm that does not end keeps the object, whose timers alone do not: an object without a call in work may be taken
 * out of memory after seconds. It must end within the platform's 15 minutes.
 */
const stayMs = 60_000

/** Events of one unordered trigger in work at a time: their functions share three connections. */
const concurrency = 10

/** Runs the app's database and scheduled triggers; a cron every minute starts it, its alarm keeps it alive. */
export class TriggerHost extends DurableObject<WorkerEnv> {
  private readonly runner: TriggerRunner
  private readonly hasStreams = built.definition.triggers.some(({ type, disabled }) => type === 'DATABASE' && !disabled)

  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, env)
    const settings = parseEdgeSettingsText(env.EDGE_SETTINGS)
    this.runner = createTriggerRunner(createWorkerRuntime(built, env, triggerPool), {
      concurrency,
      ...triggerOptionsOf(settings),
    })
  }

  /** Opens the streams, when nobody else has, and runs what is due in the minute of `instant` (ms since 1970). */
  async tick(instant: number): Promise<void> {
    await this.runner.start()
    await this.stay()
    try {
      await this.runner.runSchedules(new Date(instant))
    } catch {
      // Nothing is lost: the runner's own clock, or its next start, finds the minute that was missed.
      const error = 'the state database does not answer; schedules wait for it'
      logLine({ type: 'trigger', status: 'error', name: 'schedules', error })
    }
  }

  /** One line for each cause that keeps triggers from running here, such as a stream that does not open. */
  reasons(): readonly string[] {
    return this.runner.status().reasons
  }

  override async alarm(): Promise<void> {
    await this.runner.start()
    await new Promise((resolve) => setTimeout(resolve, stayMs))
    await this.stay()
  }

  /** Without streams the cron is enough. */
  private async stay(): Promise<void> {
    if (this.hasStreams && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now())
  }
}
