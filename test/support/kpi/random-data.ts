import { Binary, ObjectId, UUID } from 'bson'
import fc from 'fast-check'
import type { RawData, RawDoc } from './naive-kpis.ts'

const day = 86_400_000

/** The instant around which random databases lie. */
export const centre = Date.UTC(2024, 2, 1)

type MakeId = (kind: number, index: number) => unknown

/** "Whatever ids they use": one way of making ids per database. */
const idMakers: Record<string, MakeId> = {
  objectId: (kind, index) => new ObjectId(`${kind}`.padStart(4, '0') + `${index}`.padStart(20, '0')),
  string: (kind, index) => `${kind}-${index}`,
  number: (kind, index) => kind * 1000 + index,
  uuid: (kind, index) => new UUID(`00000000-0000-4000-8000-${`${kind}${index}`.padStart(12, '0')}`),
  binary: (kind, index) => new Binary(new Uint8Array([kind, index]), 0),
}

/** Mostly whole days and half days, so that changes meet at one instant and lie exactly on midnights. */
const instant = (daysBack: number, daysAhead: number): fc.Arbitrary<Date> =>
  fc
    .tuple(fc.integer({ min: -daysBack, max: daysAhead }), fc.constantFrom(0, 0, day / 2, 1, day - 1, 45_296_789))
    .map(([days, part]) => new Date(centre + days * day + part))

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

const priced = fc.record({
  plan: fc.constantFrom('free', 'pro', 'pro', 'enterprise'),
  billing_cycle: fc.constantFrom('monthly', 'monthly', 'yearly', undefined),
  mrr: fc.constantFrom(0, 10, 49, 99.99, 16.67, -5),
  amount: fc.constantFrom(undefined, 0, 12.34, 100, 588, 2000, 0.1),
  currency: fc.constantFrom(undefined, undefined, 'USD', 'EUR', 'CHF'),
  fx_rate: fc.constantFrom(undefined, 1.0853, 0.9),
})

const status = fc.constantFrom('active', 'active', 'trialing', 'past_due', 'cancelled')

/** Drops absent keys: a stored document has a field or it has not. */
function present(document: RawDoc): RawDoc {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined))
}

/** Small random databases that reach every branch of the definitions. */
export function randomData(options: { history?: number } = {}): fc.Arbitrary<RawData> {
  const history = options.history ?? 420
  const people = fc.integer({ min: 0, max: 6 })
  return fc
    .record({
      ids: fc.constantFrom(...Object.keys(idMakers)),
      users: fc.array(
        fc.record({
          created_at: instant(history, 5),
          deleted_at: fc.oneof(
            { weight: 4, arbitrary: fc.constant(undefined) },
            { weight: 1, arbitrary: instant(60, 5) },
          ),
          is_test: fc.constantFrom(undefined, undefined, undefined, false, true),
        }),
        { maxLength: 6 },
      ),
      subscriptions: fc.array(
        fc.record({
          user: people,
          ownDocument: fc.boolean(),
          state: priced,
          status,
          start_date: instant(history, 5),
          end_date: optional(instant(history, 30)),
          updated_at: instant(history, 5),
          log: fc.array(
            fc.record({
              effective_at: instant(history, 5),
              status,
              state: priced,
              end_date: fc.oneof(
                { weight: 4, arbitrary: fc.constant(undefined) },
                { weight: 1, arbitrary: instant(100, 60) },
              ),
            }),
            { maxLength: 6 },
          ),
        }),
        { maxLength: 5 },
      ),
      events: fc.array(
        fc.record({
          user: fc.option(people, { nil: null }),
          timestamp: fc.oneof({ weight: 3, arbitrary: instant(35, 2) }, { weight: 1, arbitrary: instant(history, 2) }),
          event_type: fc.constantFrom('page_view', 'login', 'email_sent', 'payment_failed'),
          receivedAfterMs: fc.constantFrom(undefined, 0, 1_000, -300_000, -300_001, 3 * day),
        }),
        { maxLength: 40 },
      ),
      spend: fc.array(
        fc.record({
          period_start: instant(80, 5),
          length: fc.integer({ min: 1, max: 40 }),
          amount: fc.constantFrom(0, 100, 333.33, 1000, -1),
          currency: fc.constantFrom(undefined, 'USD', 'EUR'),
          fx_rate: fc.constantFrom(undefined, 1.1),
        }),
        { maxLength: 4 },
      ),
      answers: fc.array(
        fc.record({
          user: fc.option(people, { nil: null }),
          score: fc.constantFrom(0, 3, 6, 7, 8, 9, 10, 11, -1, 7.5),
          responded_at: instant(100, 2),
        }),
        { maxLength: 12 },
      ),
      config: fc.option(
        fc.record({
          reporting_currency: fc.constantFrom('USD', 'EUR'),
          gross_margin: fc.constantFrom(1, 0.8, 0.815),
          nps_window_days: fc.constantFrom(90, 30),
        }),
        { nil: null },
      ),
    })
    .map(({ ids, users, subscriptions, events, spend, answers, config }) => {
      const makeId = idMakers[ids]!
      const user = (index: number | null): unknown => (index === null ? null : makeId(1, index))
      const log: RawDoc[] = []
      const documents: RawDoc[] = []
      for (const [index, subscription] of subscriptions.entries()) {
        const _id = makeId(2, index)
        if (subscription.ownDocument || subscription.log.length === 0)
          documents.push(
            present({
              _id,
              user_id: user(subscription.user),
              ...subscription.state,
              status: subscription.status,
              start_date: subscription.start_date,
              end_date: subscription.end_date,
              updated_at: subscription.updated_at,
            }),
          )
        for (const [seq, row] of subscription.log.entries())
          log.push(
            present({
              _id: makeId(3, index * 10 + seq),
              subscription_id: _id,
              user_id: user(subscription.user),
              effective_at: row.effective_at,
              recorded_at: new Date(row.effective_at.getTime() + 1000),
              seq,
              status: row.status,
              ...row.state,
              end_date: row.end_date,
            }),
          )
      }
      return {
        users: users.map((document, index) => present({ _id: makeId(1, index), ...document })),
        subscriptions: documents,
        subscription_events: log,
        analytics_events: events.map(({ user: index, receivedAfterMs, ...event }, position) =>
          present({
            _id: makeId(4, position),
            user_id: user(index),
            ...event,
            received_at:
              receivedAfterMs === undefined ? undefined : new Date(event.timestamp.getTime() + receivedAfterMs),
          }),
        ),
        marketing_spend: spend.map(({ length, ...document }, index) =>
          present({
            _id: makeId(5, index),
            ...document,
            period_end: new Date(document.period_start.getTime() + length * day),
          }),
        ),
        nps_responses: answers.map(({ user: index, ...answer }, position) => ({
          _id: makeId(6, position),
          user_id: user(index),
          ...answer,
        })),
        kpi_config: config === null ? [] : [{ _id: 'default', ...config }],
      }
    })
}
