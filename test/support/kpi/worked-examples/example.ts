import { Binary, Decimal128, Double, Long, ObjectId, UUID } from 'bson'
import type { RawData, RawDoc } from '../naive-kpis.ts'

/** `active` at a price, or another full state. */
export type State = number | 'cancelled' | RawDoc

export interface Subscription {
  readonly customer: string
  /** Tells several subscriptions of one customer apart. */
  readonly name?: string
  /** The change log: day (and time) it happened, state after it. */
  readonly log: readonly (readonly [string, State])[]
}

/** A worked example that somebody published, with the numbers they print. */
export interface WorkedExample {
  /** Who published it, and where. */
  readonly source: string
  /** What it says, in a few words of ours. */
  readonly says: string
  readonly subscriptions?: readonly Subscription[]
  /** `subscriptions` documents without a log. */
  readonly documents?: readonly RawDoc[]
  readonly spend?: readonly RawDoc[]
  /** NPS scores, one respondent each, answered within the window. */
  readonly scores?: readonly number[]
  /** Who answered what on which day; nobody: anonymous. */
  readonly answers?: readonly (readonly [string | null, number, string])[]
  /** Days on which somebody was active, and by what; default `page_view`. */
  readonly activity?: readonly (readonly [who: string, day: string, type?: string])[]
  /** Registered people who neither pay nor do anything. */
  readonly bystanders?: readonly string[]
  /** Those of the people who are test accounts. */
  readonly testUsers?: readonly string[]
  readonly config?: RawDoc
  /** Default 2024-03-01. */
  readonly asOf?: string
  /** Default: 30 days before. */
  readonly windowFrom?: string
  readonly metrics: Readonly<Record<string, unknown>>
}

/** Before every window of the examples. */
export const before = '2023-12-15'
/** Within the default window, [2024-01-31, 2024-03-01). */
export const during = '2024-02-10'

export const paying = (customer: string, ...log: (readonly [string, State])[]): Subscription => ({ customer, log })

/** One book: who stays at the rest of `opening`, and one customer a movement. */
export function bookOf(
  opening: number,
  change: { expansion?: number; contraction?: number; churned?: number; fresh?: number; back?: number },
  [start, moved] = [before, during],
): Subscription[] {
  const { expansion = 0, contraction = 0, churned = 0, fresh = 0, back = 0 } = change
  const [grows, shrinks] = [expansion > 0 ? 10 : 0, contraction > 0 ? contraction + 10 : 0]
  const one = (size: number, customer: string, ...log: (readonly [string, State])[]): Subscription[] =>
    size > 0 ? [paying(customer, ...log)] : []
  return [
    ...one(1, 'stays', [start, opening - grows - shrinks - churned]),
    ...one(expansion, 'grows', [start, grows], [moved, grows + expansion]),
    ...one(contraction, 'shrinks', [start, shrinks], [moved, shrinks - contraction]),
    ...one(churned, 'leaves', [start, churned], [moved, 'cancelled']),
    ...one(fresh, 'new', [moved, fresh]),
    ...one(back, 'returns', ['2022-06-01', back], ['2022-09-01', 'cancelled'], [moved, back]),
  ]
}

/** `count` customers with the same history. */
export function many(count: number, name: string, ...log: (readonly [string, State])[]): Subscription[] {
  return Array.from({ length: count }, (_, index) => paying(`${name} ${index}`, ...log))
}

export const yearly = (amount: number): RawDoc => ({ status: 'active', plan: 'pro', billing_cycle: 'yearly', amount })
export const trial: RawDoc = { status: 'trialing', plan: 'pro', mrr: 0 }

function stateOf(state: State): RawDoc {
  if (state === 'cancelled') return { status: 'cancelled', plan: 'pro', mrr: 0 }
  return typeof state === 'number' ? { status: 'active', plan: 'pro', billing_cycle: 'monthly', amount: state } : state
}

const instant = (text: string): Date => new Date(text.length === 10 ? `${text}T12:00:00Z` : text)

const hex = (text: string): string => Buffer.from(text).toString('hex')

let references = 0

/** One number, another BSON type at each reference: the database calls them equal. */
function ofAnyWidth(nth: number): unknown {
  references += 1
  return [nth, new Double(nth), Long.fromNumber(nth), Decimal128.fromString(`${nth}.0`)][references % 4]
}

/** Follow each other, and are one double. */
const snowflake = (nth: number): Long => Long.fromBigInt(1_234_567_890_123_456_000n + BigInt(nth))

/** The ids of one database: "whatever ids they use". */
const idMakers: readonly ((text: string, nth: number) => unknown)[] = [
  (text) => text,
  (text, nth) => new ObjectId(`${nth.toString(16).padStart(8, '0')}${hex(text).padEnd(16, '0').slice(0, 16)}`),
  (_text, nth) => nth,
  (_text, nth) => snowflake(nth),
  (_text, nth) => () => ofAnyWidth(nth),
  (_text, nth) => new UUID(`00000000-0000-4000-8000-${nth.toString(16).padStart(12, '0')}`),
  (text, nth) =>
    [
      text,
      nth,
      ObjectId.createFromTime(nth),
      new Binary(Buffer.from(text), 0),
      { text, nth },
      snowflake(nth),
      new Date(nth),
    ][nth % 7],
]

/** The raw collections that say what the example says. @param ids which kind of ids the database uses */
export function toRawData(example: WorkedExample, ids: number): RawData {
  const known = new Map<string, unknown>()
  const id = (text: string): unknown => {
    if (!known.has(text)) known.set(text, idMakers[ids % idMakers.length]?.(text, known.size + 1))
    const made = known.get(text)
    return typeof made === 'function' ? made() : made
  }
  const subscriptions = example.subscriptions ?? []
  const people = new Set([
    ...subscriptions.map(({ customer }) => customer),
    ...(example.activity ?? []).map(([who]) => who),
    ...(example.bystanders ?? []),
  ])
  const isTest = (name: string): object => (example.testUsers?.includes(name) ? { is_test: true } : {})
  return {
    users: [...people].map((name) => ({
      _id: id(name),
      auth0_id: name,
      created_at: instant(before),
      ...isTest(name),
    })),
    subscriptions: [...(example.documents ?? [])],
    subscription_events: subscriptions.flatMap(({ customer, name = '', log }) =>
      log.map(([day, state], index) => ({
        _id: id(`row ${customer} ${name} ${index}`),
        subscription_id: id(`subscription ${customer} ${name}`),
        user_id: id(customer),
        effective_at: instant(day),
        recorded_at: instant(day),
        seq: index,
        ...stateOf(state),
      })),
    ),
    analytics_events: (example.activity ?? []).map(([who, day, type = 'page_view'], index) => ({
      _id: id(`event ${index}`),
      event_type: type,
      user_id: id(who),
      timestamp: instant(day),
    })),
    marketing_spend: [...(example.spend ?? [])],
    nps_responses: [
      ...(example.scores ?? []).map((score, index) => [`respondent ${index}`, score, during] as const),
      ...(example.answers ?? []),
    ].map(([who, score, day], index) => ({
      _id: id(`answer ${index}`),
      user_id: who === null ? null : id(who),
      score,
      responded_at: instant(day),
    })),
    kpi_config: [{ _id: 'default', reporting_currency: 'USD', ...example.config }],
  }
}
