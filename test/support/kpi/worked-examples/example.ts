import { Binary, Long, ObjectId, UUID } from 'bson'
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
  /** Days on which somebody was active. */
  readonly activity?: readonly (readonly [string, string])[]
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

/** The ids of one database: "whatever ids they use". */
const idMakers: readonly ((text: string, nth: number) => unknown)[] = [
  (text) => text,
  (text, nth) => new ObjectId(`${nth.toString(16).padStart(8, '0')}${hex(text).padEnd(16, '0').slice(0, 16)}`),
  (_text, nth) => nth,
  (_text, nth) => new UUID(`00000000-0000-4000-8000-${nth.toString(16).padStart(12, '0')}`),
  (text, nth) =>
    [
      text,
      nth,
      ObjectId.createFromTime(nth),
      new Binary(Buffer.from(text), 0),
      { text, nth },
      Long.fromNumber(2 ** 53 + 2 * nth),
      new Date(nth),
    ][nth % 7],
]

/** The raw collections that say what the example says. @param ids which kind of ids the database uses */
export function toRawData(example: WorkedExample, ids: number): RawData {
  const known = new Map<string, unknown>()
  const id = (text: string): unknown => {
    if (!known.has(text)) known.set(text, idMakers[ids % idMakers.length]?.(text, known.size + 1))
    return known.get(text)
  }
  const subscriptions = example.subscriptions ?? []
  const people = new Set([
    ...subscriptions.map(({ customer }) => customer),
    ...(example.activity ?? []).map(([who]) => who),
  ])
  return {
    users: [...people].map((name) => ({ _id: id(name), auth0_id: name, created_at: instant(before) })),
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
    analytics_events: (example.activity ?? []).map(([who, day], index) => ({
      _id: id(`event ${index}`),
      event_type: 'page_view',
      user_id: id(who),
      timestamp: instant(day),
    })),
    marketing_spend: [...(example.spend ?? [])],
    nps_responses: (example.scores ?? []).map((score, index) => ({
      _id: id(`answer ${index}`),
      user_id: id(`respondent ${index}`),
      score,
      responded_at: instant(during),
    })),
    kpi_config: [{ _id: 'default', reporting_currency: 'USD', ...example.config }],
  }
}
