import { EventEmitter } from 'node:events'
import type { MongoClient } from 'mongodb'
import { withoutDriverAdditions } from './driver-departures.ts'
import { InvalidTestError, MismatchError } from './errors.ts'
import { type ExpectedEventsForClient, isJson, type Json } from './format.ts'
import { assertMatches, type MatchEntities, print } from './match.ts'

type EventKind = 'command' | 'cmap' | 'sdam'

/** The format's event names, and the driver's. */
const COMMAND_EVENTS = {
  commandStartedEvent: 'commandStarted',
  commandSucceededEvent: 'commandSucceeded',
  commandFailedEvent: 'commandFailed',
} as const

const CMAP_EVENTS = {
  poolCreatedEvent: 'connectionPoolCreated',
  poolReadyEvent: 'connectionPoolReady',
  poolClearedEvent: 'connectionPoolCleared',
  poolClosedEvent: 'connectionPoolClosed',
  connectionCreatedEvent: 'connectionCreated',
  connectionReadyEvent: 'connectionReady',
  connectionClosedEvent: 'connectionClosed',
  connectionCheckOutStartedEvent: 'connectionCheckOutStarted',
  connectionCheckOutFailedEvent: 'connectionCheckOutFailed',
  connectionCheckedOutEvent: 'connectionCheckedOut',
  connectionCheckedInEvent: 'connectionCheckedIn',
} as const

const SDAM_EVENTS = {
  serverOpeningEvent: 'serverOpening',
  serverClosedEvent: 'serverClosed',
  serverDescriptionChangedEvent: 'serverDescriptionChanged',
  serverHeartbeatStartedEvent: 'serverHeartbeatStarted',
  serverHeartbeatSucceededEvent: 'serverHeartbeatSucceeded',
  serverHeartbeatFailedEvent: 'serverHeartbeatFailed',
  topologyOpeningEvent: 'topologyOpening',
  topologyDescriptionChangedEvent: 'topologyDescriptionChanged',
  topologyClosedEvent: 'topologyClosed',
} as const

const KINDS: Record<EventKind, Readonly<Record<string, string>>> = {
  command: COMMAND_EVENTS,
  cmap: CMAP_EVENTS,
  sdam: SDAM_EVENTS,
}

/** Command monitoring spec, "Security": never observed unless a test asks for them. */
const SENSITIVE_COMMANDS = [
  'authenticate',
  'saslStart',
  'saslContinue',
  'getnonce',
  'createUser',
  'updateUser',
  'copydbgetnonce',
  'copydbsaslstart',
  'copydb',
]

interface ObservedEvent {
  readonly kind: EventKind
  /** The format's name, such as `commandStartedEvent`. */
  readonly type: string
  readonly fields: Json
}

export interface ObserveOptions {
  /** The format's event names. */
  readonly observeEvents: readonly string[]
  readonly ignoreCommandMonitoringEvents: readonly string[]
  readonly observeSensitiveCommands: boolean
}

/** Records the events of one client entity, in order, each as it was when it happened. */
export class EventLog {
  readonly #events: ObservedEvent[] = []
  readonly #signal = new EventEmitter()
  readonly #stops: (() => void)[] = []
  /** Takes listeners of any event by name; the driver's own map has one overload for each. */
  readonly #emitter: EventEmitter
  #checkedOut = 0

  constructor(client: MongoClient, options: ObserveOptions) {
    this.#emitter = client
    client.on('connectionCheckedOut', () => {
      this.#checkedOut++
    })
    client.on('connectionCheckedIn', () => {
      this.#checkedOut--
    })
    const ignored = new Set([...options.ignoreCommandMonitoringEvents, 'configureFailPoint'])
    if (!options.observeSensitiveCommands) for (const name of SENSITIVE_COMMANDS) ignored.add(name)

    for (const type of options.observeEvents) {
      const kind = kindOf(type)
      if (kind === undefined) throw new InvalidTestError(`unknown event type ${type}`)
      const name = KINDS[kind][type] ?? ''
      this.#on(name, (event) => {
        const fields: Json = Object.fromEntries(Object.entries(snapshot({ ...event }) as Json))
        if (kind === 'command') {
          if (ignored.has(String(fields.commandName))) return
          if (!options.observeSensitiveCommands && isRedacted(fields)) return
        }
        this.#events.push({ kind, type, fields })
        this.#signal.emit('observed')
      })
    }
  }

  /** Starts a list of documents, one for each event of the named kinds, for `storeEventsAsEntities`. */
  storeEvents(names: readonly string[]): Json[] {
    const list: Json[] = []
    for (const name of names) {
      const type = name.charAt(0).toLowerCase() + name.slice(1)
      const kind = kindOf(type)
      if (kind === undefined) throw new InvalidTestError(`unknown event type ${name}`)
      this.#on(KINDS[kind][type] ?? '', (event) => {
        list.push({ ...describedEvent(event), name, observedAt: Date.now() / 1000 })
      })
    }
    return list
  }

  #on(name: string, listener: (event: object) => void): void {
    this.#emitter.on(name, listener)
    this.#stops.push(() => this.#emitter.off(name, listener))
  }

  /** Connections of the client in use right now. */
  get checkedOut(): number {
    return this.#checkedOut
  }

  /** The commands of the `commandStartedEvent`s so far. */
  startedCommands(): readonly Json[] {
    return this.#events
      .filter((event) => event.type === 'commandStartedEvent')
      .map((event) => (isJson(event.fields.command) ? event.fields.command : {}))
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  count(expected: Json, entities: MatchEntities): number {
    return this.#events.filter((event) => {
      try {
        assertEventMatches(expected, event, entities, '')
        return true
      } catch (error) {
        if (error instanceof MismatchError) return false
        throw error
      }
    }).length
  }

  /** @throws {MismatchError} when fewer than `count` matching events came within `timeoutMs` */
  async waitFor(expected: Json, count: number, timeoutMs: number, entities: MatchEntities): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (this.count(expected, entities) < count) {
      const left = deadline - Date.now()
      if (left <= 0)
        throw new MismatchError(`${print(expected)} came ${this.count(expected, entities)} times, not ${count}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left)
        const signal = this.#signal
        function done() {
          clearTimeout(timer)
          signal.off('observed', done)
          resolve()
        }
        signal.once('observed', done)
      })
    }
  }

  /** Asserts number, order and content of the events of one kind. @throws {MismatchError} */
  assertMatches(expected: ExpectedEventsForClient, entities: MatchEntities): void {
    const kind = expected.eventType ?? 'command'
    const actual = this.#events.filter((event) => event.kind === kind)
    for (const [index, event] of expected.events.entries()) {
      const observed = actual[index]
      if (!observed) {
        throw new MismatchError(`event ${index}: expected ${print(event)}, got none after ${describe(actual)}`)
      }
      assertEventMatches(event, observed, entities, `event ${index}: `)
    }
    if (!expected.ignoreExtraEvents && actual.length > expected.events.length) {
      const extra = actual.slice(expected.events.length)
      throw new MismatchError(`${extra.length} more events than expected: ${describe(extra)}`)
    }
  }
}

function kindOf(type: string): EventKind | undefined {
  if (type in COMMAND_EVENTS) return 'command'
  if (type in CMAP_EVENTS) return 'cmap'
  return type in SDAM_EVENTS ? 'sdam' : undefined
}

function describe(events: readonly ObservedEvent[]): string {
  return `[${events.map((event) => `${event.type} ${String(event.fields.commandName ?? '')}`.trim()).join(', ')}]`
}

/** A hello with speculative authentication is sensitive; the driver has emptied it already. */
function isRedacted(fields: Json): boolean {
  const document = fields.command ?? fields.reply
  return isJson(document) && Object.keys(document).length === 0
}

/** An event as plain data: `command` and `reply` are optional in the format, and hold what is none. */
function describedEvent(event: object): Json {
  const fields: Json = {}
  for (const [field, value] of Object.entries(event)) {
    if (field === 'command' || field === 'reply') continue
    fields[field] = value instanceof Error ? value.message : value
  }
  return fields
}

/** The driver goes on changing the command and session objects that events show: keep what they said at the time. */
function snapshot(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snapshot)
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, snapshot(inner)]))
  if (isJson(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, snapshot(inner)]))
  return value
}

function assertEventMatches(expected: Json, actual: ObservedEvent, entities: MatchEntities, prefix: string): void {
  const type = Object.keys(expected)[0] ?? ''
  if (kindOf(type) === undefined) throw new InvalidTestError(`unknown event type ${type}`)
  const fields = expected[type]
  if (!isJson(fields)) throw new InvalidTestError(`${type} is no document`)
  if (type !== actual.type) {
    const name = actual.fields.commandName === undefined ? '' : ` (${String(actual.fields.commandName)})`
    throw new MismatchError(`${prefix}expected ${type}, got ${actual.type}${name}`)
  }
  for (const [field, value] of Object.entries(fields)) assertField(field, value, actual.fields, entities, prefix)
}

function assertField(field: string, expected: unknown, actual: Json, entities: MatchEntities, prefix: string): void {
  switch (field) {
    case 'hasServiceId':
      if ((actual.serviceId !== undefined) !== expected)
        throw new MismatchError(`${prefix}hasServiceId is not ${expected}`)
      return
    case 'hasServerConnectionId':
      if ((typeof actual.serverConnectionId === 'bigint') !== expected) {
        throw new MismatchError(`${prefix}hasServerConnectionId is not ${expected}`)
      }
      return
    case 'previousDescription':
    case 'newDescription': {
      const description = actual[field]
      const type =
        typeof description === 'object' && description !== null && 'type' in description ? description.type : ''
      assertMatches(expected, { type }, entities, true, `${prefix}${field}`)
      return
    }
    case 'command':
      assertMatches(expected, withoutDriverAdditions(actual[field], expected), entities, true, `${prefix}${field}`)
      return
    case 'reply':
      assertMatches(expected, actual[field], entities, true, `${prefix}${field}`)
      return
    default:
      assertMatches(expected, actual[field], entities, false, `${prefix}${field}`)
  }
}
