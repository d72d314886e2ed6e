import type { ScheduledTrigger } from '../../schemas/app/definition.ts'
import type { Runtime } from '../runtime.ts'
import { lastMatchBetween, matchesSchedule, parseSchedule, type Schedule, startOfMinute } from './cron.ts'
import { fire } from './fire.ts'
import type { StoredTrigger, TriggerState } from './trigger-state.ts'

interface ScheduledEntry {
  readonly trigger: ScheduledTrigger
  readonly schedule: Schedule
}

/** Why a schedule cannot be read, or undefined. */
export function scheduleError(trigger: ScheduledTrigger): string | undefined {
  try {
    parseSchedule(trigger.config.schedule)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Runs the scheduled triggers of one app, each once per minute whoever asks how often. */
export class Schedules {
  readonly #runtime: Runtime
  readonly #state: TriggerState
  readonly #entries: readonly ScheduledEntry[]
  readonly #allowOverlap: boolean
  readonly #running = new Map<string, Promise<void>>()

  constructor(
    runtime: Runtime,
    state: TriggerState,
    triggers: readonly ScheduledTrigger[],
    options: { allowOverlap: boolean },
  ) {
    this.#runtime = runtime
    this.#state = state
    this.#allowOverlap = options.allowOverlap
    this.#entries = triggers.map((trigger) => ({ trigger, schedule: parseSchedule(trigger.config.schedule) }))
  }

  get size(): number {
    return this.#entries.length
  }

  /** Runs what is due in the minute of `instant`. Resolves when those functions ended. */
  async runDue(instant: Date): Promise<void> {
    const minute = startOfMinute(instant)
    const due = this.#entries.filter(({ schedule }) => matchesSchedule(schedule, minute))
    await Promise.all(due.map(({ trigger }) => this.#runOnce(trigger, minute)))
  }

  /**
   * Runs once what was due while nothing ran, however often it was due (the specification allows none or one), unless
   * `skip_catchup_events`. A trigger seen for the first time missed nothing.
   */
  async catchUp(now: Date, stored: ReadonlyMap<string, StoredTrigger>): Promise<void> {
    await Promise.all(
      this.#entries.map(async ({ trigger, schedule }) => {
        const last = stored.get(trigger.name)?.last_minute
        if (last === undefined) return this.#state.storeLastMinute(trigger.name, startOfMinute(now))
        if (trigger.config.skip_catchup_events) return
        const missed = lastMatchBetween(schedule, last, startOfMinute(now))
        if (missed !== undefined) await this.#runOnce(trigger, missed)
      }),
    )
  }

  /** Waits for functions that still run. */
  async finished(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  async #runOnce(trigger: ScheduledTrigger, minute: Date): Promise<void> {
    if (!this.#allowOverlap && this.#running.has(trigger.name)) return
    if (!(await this.#state.claimRun(trigger.name, minute))) return
    await this.#state.storeLastMinute(trigger.name, minute)
    // No argument: the documentation says so explicitly.
    const run = fire(this.#runtime, trigger, []).finally(() => {
      if (this.#running.get(trigger.name) === run) this.#running.delete(trigger.name)
    })
    this.#running.set(trigger.name, run)
    await run
  }
}
