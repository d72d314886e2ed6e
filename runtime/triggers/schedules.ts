import type { ScheduledTrigger } from '../../schemas/app/definition.ts'
import type { Runtime } from '../runtime.ts'
import { lastMatchBetween, matchesSchedule, parseSchedule, type Schedule, startOfMinute } from './cron.ts'
import { fire } from './fire.ts'
import type { Pauses } from './pauses.ts'
import type { StoredTrigger, TriggerStore } from './trigger-store.ts'

const firstBackoffMs = 1_000
const lastBackoffMs = 32_000

interface ScheduledEntry {
  readonly trigger: ScheduledTrigger
  readonly schedule: Schedule
}

export interface ScheduleOptions {
  readonly allowOverlap: boolean
  readonly retries: number
  /** Ended when a database that was away answers again. */
  readonly pauses: Pauses
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
  readonly #store: TriggerStore
  readonly #entries: readonly ScheduledEntry[]
  readonly #options: ScheduleOptions
  /** Functions that run, by trigger. */
  readonly #running = new Map<string, number>()
  readonly #unfinished = new Set<Promise<unknown>>()
  /** The minute of the last run that was begun, by trigger. */
  readonly #latest = new Map<string, Date>()
  #waiting = new AbortController()

  constructor(runtime: Runtime, store: TriggerStore, triggers: readonly ScheduledTrigger[], options: ScheduleOptions) {
    this.#runtime = runtime
    this.#store = store
    this.#options = options
    this.#entries = triggers.map((trigger) => ({ trigger, schedule: parseSchedule(trigger.config.schedule) }))
  }

  get size(): number {
    return this.#entries.length
  }

  /** Runs what is due in the minute of `instant`. Resolves when those functions ended. */
  async runDue(instant: Date): Promise<void> {
    const minute = startOfMinute(instant)
    const due = this.#entries.filter(({ schedule }) => matchesSchedule(schedule, minute))
    await this.#tracked(due.map(({ trigger }) => this.#runOnce(trigger, minute)))
  }

  /**
   * Runs once what was due while nothing ran, however often it was due (the specification allows none or one), unless
   * `skip_catchup_events`. A trigger seen for the first time missed nothing.
   */
  async catchUp(now: Date, stored: ReadonlyMap<string, StoredTrigger>): Promise<void> {
    await this.#tracked(
      this.#entries.map(async ({ trigger, schedule }) => {
        const last = stored.get(trigger.name)?.last_minute
        if (last === undefined) return this.#store.storeLastMinute(trigger.name, startOfMinute(now))
        if (trigger.config.skip_catchup_events) return
        const missed = lastMatchBetween(schedule, last, startOfMinute(now))
        if (missed !== undefined) await this.#runOnce(trigger, missed)
      }),
    )
  }

  /** Waits for the functions that run now. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#unfinished)
  }

  /** Waits for functions that run; those that wait for the database are given up. */
  async finished(): Promise<void> {
    this.#waiting.abort()
    this.#waiting = new AbortController()
    await Promise.allSettled(this.#unfinished)
  }

  /**
   * A run that meets a database that does not answer is begun again when it does, unless the next one is due by then.
   *
   * @returns false when it was given up for another runner to catch up
   */
  async #fire(trigger: ScheduledTrigger, minute: Date): Promise<boolean> {
    const { signal } = this.#waiting
    for (let backoffMs = firstBackoffMs; !signal.aborted; backoffMs = Math.min(backoffMs * 2, lastBackoffMs)) {
      // No argument: the documentation says so explicitly.
      if ((await fire(this.#runtime, trigger, [], { retries: this.#options.retries })) === 'done') return true
      await this.#options.pauses.sleep(backoffMs, signal)
      if (this.#latest.get(trigger.name) !== minute) return true
    }
    return false
  }

  async #tracked(runs: readonly Promise<void>[]): Promise<void> {
    const all = Promise.all(runs).finally(() => this.#unfinished.delete(all))
    this.#unfinished.add(all)
    await all
  }

  async #runOnce(trigger: ScheduledTrigger, minute: Date): Promise<void> {
    const { name } = trigger
    const before = this.#running.get(name) ?? 0
    if (!this.#options.allowOverlap && before > 0) return
    if (!(await this.#store.claimRun(name, minute))) return
    this.#running.set(name, before + 1)
    try {
      await this.#store.storeLastMinute(name, minute)
      this.#latest.set(name, minute)
      if (!(await this.#fire(trigger, minute))) await this.#store.unclaimRun(name, minute)
    } finally {
      this.#running.set(name, (this.#running.get(name) ?? 1) - 1)
    }
  }
}
