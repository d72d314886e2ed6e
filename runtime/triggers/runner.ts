import type { DatabaseTrigger, ScheduledTrigger, Trigger } from '../../schemas/app/definition.ts'
import type { Namespace } from '../data/data-access.ts'
import type { Runtime } from '../runtime.ts'
import { sleep } from '../sleep.ts'
import { defaultStateDatabase } from '../users/state.ts'
import { sourceOf } from './change-pipeline.ts'
import { DatabaseStream } from './database-stream.ts'
import { type FireOutcome, fire, invalidReason } from './fire.ts'
import { Lease } from './lease.ts'
import { Pauses } from './pauses.ts'
import { Schedules, scheduleError } from './schedules.ts'
import { statusReasons, type TriggerRunnerStatus, type TriggerState, type TriggerStatus } from './status.ts'
import { planStreams } from './stream-plan.ts'
import { type StoredTrigger, TriggerStore } from './trigger-store.ts'

const minuteMs = 60_000

export interface TriggerRunnerOptions {
  /** How long the lease holds without renewal; another runner takes over after it. Default 10,000 ms. */
  readonly leaseMs?: number
  /** Events of one unordered trigger in work at a time. Default 100. */
  readonly concurrency?: number
  /** False: a schedule is skipped while its previous run still goes on. Default true, as on App Services. */
  readonly allowOverlap?: boolean
  /** How often a function that throws is run again before its event counts as done. Default 0. */
  readonly retries?: number
  /** How long `stop` waits for functions that run. Default 3,000 ms. */
  readonly graceMs?: number
}

/** Runs the database and scheduled triggers of one app, on any host that lives long enough. */
export interface TriggerRunner {
  /**
   * Competes for the lease and, holding it, opens streams and runs schedules. Resolves after the first attempt, streams
   * open. Calling it again while it runs does nothing.
   */
  start(): Promise<void>
  /** Ends streams and schedules, waits shortly for running functions, gives up the lease. */
  stop(): Promise<void>
  /**
   * Runs the schedules due in the minute of `instant`, for hosts with a cron of their own. Once per trigger and minute.
   * Resolves when no scheduled function that was started by then runs any more, whatever started it.
   */
  runSchedules(instant: Date): Promise<void>
  /** Lets a suspended trigger run again: after its last change, or from now on. False when it was not suspended. */
  resume(name: string, options?: { withToken?: boolean }): Promise<boolean>
  status(): TriggerRunnerStatus
}

export function createTriggerRunner(runtime: Runtime, options: TriggerRunnerOptions = {}): TriggerRunner {
  return new Runner(runtime, options)
}

class Runner implements TriggerRunner {
  readonly #runtime: Runtime
  readonly #options: Required<TriggerRunnerOptions>
  readonly #store: TriggerStore
  readonly #stateDatabase: string
  readonly #lease: Lease
  readonly #schedules: Schedules
  readonly #databaseTriggers: readonly DatabaseTrigger[]
  readonly #status = new Map<string, TriggerStatus>()
  readonly #said = new Set<string>()
  readonly #pauses = new Pauses()
  #streams: DatabaseStream[] = []
  #active: { fence: number; abort: AbortController; clock: Promise<void> } | undefined
  #abort: AbortController | undefined
  /** True while the state database is not answering: said once an outage. */
  #unanswered = false
  /** True once it is remembered which triggers are disabled. */
  #isNoted = false
  #loop: Promise<void> = Promise.resolve()

  constructor(runtime: Runtime, options: TriggerRunnerOptions) {
    const { built, options: runtimeOptions } = runtime
    this.#runtime = runtime
    this.#options = { leaseMs: 10_000, concurrency: 100, allowOverlap: true, retries: 0, graceMs: 3_000, ...options }
    this.#stateDatabase = runtimeOptions.stateDatabase ?? defaultStateDatabase
    const app = built.definition.clientAppId
    this.#store = new TriggerStore(runtimeOptions.stateClient, app, this.#stateDatabase)
    this.#lease = new Lease(this.#store.leases, `${app}/triggers`, crypto.randomUUID(), this.#options.leaseMs)
    const runnable = built.definition.triggers.filter((trigger) => this.#isRunnable(trigger))
    this.#databaseTriggers = runnable.filter((trigger) => trigger.type === 'DATABASE')
    const scheduled = runnable.filter((trigger): trigger is ScheduledTrigger => trigger.type === 'SCHEDULED')
    this.#schedules = new Schedules(runtime, this.#store, scheduled, { ...this.#options, pauses: this.#pauses })
  }

  async start(): Promise<void> {
    if (this.#abort !== undefined) return
    const abort = new AbortController()
    this.#abort = abort
    await this.#attempt()
    this.#loop = this.#keepLease(abort.signal)
  }

  async stop(): Promise<void> {
    if (this.#abort === undefined) return
    this.#abort.abort()
    this.#abort = undefined
    await this.#loop
    const ended = await within(this.#options.graceMs, this.#deactivate())
    // A function that still runs must not meet the next runner; the lease then ends by itself.
    if (ended) await this.#lease.release().catch(() => {})
  }

  async runSchedules(instant: Date): Promise<void> {
    try {
      await this.#schedules.runDue(instant)
    } finally {
      // The runner's own clock may have been earlier, and a host that sleeps between calls must not sleep before the end.
      await this.#schedules.settled()
    }
  }

  async resume(name: string, options: { withToken?: boolean } = {}): Promise<boolean> {
    const resumed = await this.#store.resume(name, { withToken: options.withToken ?? true })
    if (resumed && this.#active !== undefined) await this.#openStreams(await this.#store.load())
    return resumed
  }

  status(): TriggerRunnerStatus {
    const triggers = [...this.#status.values()]
    return { active: this.#active !== undefined, triggers, reasons: statusReasons(triggers) }
  }

  #isRunnable(trigger: Trigger): boolean {
    const reason =
      invalidReason(this.#runtime, trigger) ?? (trigger.type === 'SCHEDULED' ? scheduleError(trigger) : undefined)
    if (trigger.disabled) this.#setState(trigger, 'disabled')
    else if (reason !== undefined) this.#setState(trigger, 'invalid', reason)
    else this.#setState(trigger, trigger.type === 'AUTHENTICATION' ? 'running' : 'standby')
    return !trigger.disabled && reason === undefined
  }

  #setState(trigger: Trigger, state: TriggerState, reason?: string): void {
    const { name, type } = trigger
    const before = this.#status.get(name)
    // A stream that was lost and came back may be lost again, and that is said again.
    if (before?.state === 'waiting' && state === 'running') this.#said.delete(`${name}: ${before.reason}`)
    this.#status.set(name, { name, type, state, ...(reason === undefined ? {} : { reason }) })
    // The stream logs a suspension itself. A server without change streams is said once, not once a trigger.
    const said = state === 'unsupported' ? reason : `${name}: ${reason}`
    if (reason === undefined || said === undefined || state === 'suspended' || this.#said.has(said)) return
    this.#said.add(said)
    this.#runtime.options.log({ type: 'trigger', status: 'error', name, error: reason, detail: { state } })
  }

  async #keepLease(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#options.leaseMs / 4, signal)
      if (!signal.aborted) await this.#attempt()
    }
  }

  /** Takes or renews the lease and acts on the outcome. A database that does not answer is asked again later. */
  async #attempt(): Promise<void> {
    const isIdle = this.#databaseTriggers.length === 0 && this.#schedules.size === 0
    if (isIdle && this.#isNoted) return
    try {
      if (isIdle) return await this.#noteDisabled()
      const held = await this.#lease.acquire()
      if (!held || this.#active?.fence !== this.#lease.fence) await this.#deactivate()
      if (held && this.#active === undefined) await this.#activate()
      else if (held) await this.#openResumed()
      // Whoever waits to try again need not wait longer.
      if (this.#unanswered) this.#pauses.end()
      this.#unanswered = false
    } catch {
      if (this.#unanswered) return
      this.#unanswered = true
      const error = 'the state database does not answer; triggers wait for it'
      this.#runtime.options.log({ type: 'trigger', status: 'error', error })
    }
  }

  async #activate(): Promise<void> {
    const abort = new AbortController()
    await this.#store.ensureIndexes()
    await this.#store.claimPositions(this.#lease.fence)
    const stored = await this.#applyChanges(await this.#store.load())
    this.#active = { fence: this.#lease.fence, abort, clock: Promise.resolve() }
    for (const trigger of this.#runtime.built.definition.triggers)
      if (trigger.type === 'SCHEDULED' && this.#status.get(trigger.name)?.state === 'standby')
        this.#setState(trigger, 'running')
    await this.#openStreams(stored)
    void this.#schedules.catchUp(this.#runtime.options.now(), stored).catch(() => {})
    this.#active.clock = this.#runClock(abort.signal)
  }

  async #deactivate(): Promise<void> {
    const active = this.#active
    if (active === undefined) return
    active.abort.abort()
    const streams = this.#streams
    this.#streams = []
    this.#active = undefined
    await Promise.all([...streams.map((stream) => stream.stop()), active.clock])
    await this.#schedules.finished()
    for (const trigger of this.#runtime.built.definition.triggers) {
      const state = this.#status.get(trigger.name)?.state
      if (trigger.type !== 'AUTHENTICATION' && ['running', 'waiting', 'suspended'].includes(state ?? ''))
        this.#setState(trigger, 'standby')
    }
  }

  /** Remembers which triggers are disabled, and what those enabled again or changed may replay (spec: triggers 2.5). */
  async #applyChanges(stored: Map<string, StoredTrigger>): Promise<Map<string, StoredTrigger>> {
    const { triggers } = this.#runtime.built.definition
    await this.#noteDisabled()
    const enabled = triggers.filter(({ name, disabled }) => !disabled && stored.get(name)?.was_disabled)
    const moved = this.#databaseTriggers.filter((trigger) => {
      const source = stored.get(trigger.name)?.source
      return source !== undefined && source !== sourceOf(trigger)
    })
    if (enabled.length === 0 && moved.length === 0) return stored
    for (const { name } of moved) await this.#store.forgetPosition(name)
    for (const trigger of enabled)
      await this.#store.markEnabled(trigger.name, {
        dropToken: trigger.type !== 'AUTHENTICATION' && trigger.config.skip_catchup_events,
      })
    return this.#store.load()
  }

  async #noteDisabled(): Promise<void> {
    const disabled = this.#runtime.built.definition.triggers.filter((trigger) => trigger.disabled)
    if (disabled.length > 0) await this.#store.markDisabled(disabled.map(({ name }) => name))
    this.#isNoted = true
  }

  /** Opens the streams of triggers that have none and are not suspended. */
  async #openStreams(stored: ReadonlyMap<string, StoredTrigger>): Promise<void> {
    const open = new Set(this.#streams.flatMap((stream) => stream.triggers.map(({ name }) => name)))
    const missing = this.#databaseTriggers.filter((trigger) => {
      const suspended = stored.get(trigger.name)?.suspended
      if (suspended !== undefined) this.#setState(trigger, 'suspended', suspended.reason)
      return suspended === undefined && !open.has(trigger.name)
    })
    const streams = planStreams(missing, stored).map((plan) => this.#createStream(plan))
    this.#streams.push(...streams)
    for (const stream of streams) stream.start()
    await Promise.all(streams.map((stream) => stream.ready))
  }

  /** A trigger may have been resumed by another process. */
  async #openResumed(): Promise<void> {
    const suspended = [...this.#status.values()].filter(({ state }) => state === 'suspended')
    if (suspended.length === 0) return
    const stored = await this.#store.load()
    if (suspended.some(({ name }) => stored.get(name)?.suspended === undefined)) await this.#openStreams(stored)
  }

  #createStream(plan: ReturnType<typeof planStreams>[number]): DatabaseStream {
    const { options } = this.#runtime
    const [first] = plan.triggers
    const service = first?.config.service_name ?? ''
    const stream: DatabaseStream = new DatabaseStream({
      client: options.clientFor(service),
      store: this.#store,
      stateDatabase: this.#stateDatabase,
      lease: this.#lease,
      pauses: this.#pauses,
      plan,
      concurrency: this.#options.concurrency,
      now: options.now,
      log: options.log,
      fire: (trigger, event) => this.#fire(trigger, event),
      onState: (triggers, state, reason) => {
        for (const trigger of triggers) this.#setState(trigger, state, reason)
        if (state === 'suspended') this.#streams = this.#streams.filter((other) => other !== stream)
      },
    })
    return stream
  }

  async #fire(trigger: DatabaseTrigger, event: unknown): Promise<FireOutcome> {
    const { database, collection, operation_types: operations } = trigger.config
    const onWrite = (written: Namespace) => {
      const own =
        (database === '' || database === written.database) && (collection === '' || collection === written.collection)
      if (!own || this.#said.has(`${trigger.name} recursion`)) return
      this.#said.add(`${trigger.name} recursion`)
      this.#runtime.options.log({
        type: 'trigger',
        status: 'error',
        name: trigger.name,
        error: `its function writes to ${written.database}.${written.collection}, which it watches (${operations.join(', ')}): it may call itself for ever`,
      })
    }
    return fire(this.#runtime, trigger, [event], { retries: this.#options.retries, onWrite })
  }

  async #runClock(signal: AbortSignal): Promise<void> {
    if (this.#schedules.size === 0) return
    const { now } = this.#runtime.options
    while (!signal.aborted) {
      await sleep(minuteMs - (now().getTime() % minuteMs) + 5, signal)
      // Functions may run for minutes; the clock does not wait for them.
      if (!signal.aborted && this.#lease.held) void this.#runMinute(now())
    }
  }

  /** Also runs what a sleeping host or a database that did not answer made a former minute miss. */
  async #runMinute(now: Date): Promise<void> {
    try {
      await Promise.all([
        this.#schedules.runDue(now),
        this.#store.load().then((stored) => this.#schedules.catchUp(now, stored)),
      ])
    } catch {
      // The state database does not answer: the next minute catches up.
    }
  }
}

/** True when `promise` settles within `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const abort = new AbortController()
  const settled = promise.then(
    () => true,
    () => true,
  )
  const late = sleep(ms, abort.signal).then(() => false)
  const ended = await Promise.race([settled, late])
  abort.abort()
  return ended
}
