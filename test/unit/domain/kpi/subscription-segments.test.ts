import { describe, expect, it } from 'vitest'
import { openEnd } from '../../../../domain/instant.ts'
import { defaultKpiConfig } from '../../../../domain/kpi/config.ts'
import { mrrAsOf } from '../../../../domain/kpi/customer-segments.ts'
import { countSubscriptions } from '../../../../domain/kpi/subscription-counts.ts'
import { segmentsFromDocument, segmentsFromLog } from '../../../../domain/kpi/subscription-segments.ts'
import { countTrials } from '../../../../domain/kpi/trial-conversion-rate.ts'
import { moneyNumber } from '../../../../domain/money.ts'
import { at, document, row, segments } from './rows.ts'

describe('the state of a subscription as of T', () => {
  it.each([
    ['a change at exactly T is not included', [row(5)], 5, 0],
    ['a change before T is', [row(5)], '5 00:00:00.001', 100],
    ['ending exactly at T still counts', [row(1), row(5, { status: 'cancelled' })], 5, 100],
    ['and no longer after it', [row(1), row(5, { status: 'cancelled' })], '5 00:00:00.001', 0],
    ['cancelled wins over a later end_date', [row(1), row(5, { status: 'cancelled', endDate: at(20) })], 6, 0],
    ['a scheduled end needs no further row', [row(1, { endDate: at(5) })], 6, 0],
    ['before a scheduled end it runs', [row(1, { endDate: at(5) })], 5, 100],
    ['a later row may come back', [row(1, { endDate: at(5) }), row(9, { mrr: 70 })], 10, 70],
    ['a row replaced at its instant never existed', [row(1), row(1, { seq: 1, mrr: 30 })], 2, 30],
    ['seq decides, not the order of rows', [row(1, { seq: 2, mrr: 30 }), row(1, { seq: 1 })], 2, 30],
    ['past due still pays', [row(1), row(3, { status: 'past_due' })], 4, 100],
    ['a trial does not', [row(1, { status: 'trialing' })], 4, 0],
    ['a free plan does not, whatever MRR is typed', [row(1, { plan: 'free' })], 4, 0],
    ['a yearly amount counts a twelfth', [row(1, { billingCycle: 'yearly', amount: 600, mrr: 7 })], 4, 50],
    ['a monthly amount wins over mrr', [row(1, { billingCycle: 'monthly', amount: 60, mrr: 7 })], 4, 60],
    ['without a cycle the stored mrr counts', [row(1, { amount: 60, mrr: 7 })], 4, 7],
    ['another currency is converted at the rate of its row', [row(1, { currency: 'EUR', fxRate: 1.1 })], 4, 110],
    ['and left out without one', [row(1, { currency: 'EUR' })], 4, 0],
    ['the reporting currency ignores a rate', [row(1, { currency: 'usd', fxRate: 5 })], 4, 100],
    ['a negative amount is 0', [row(1, { mrr: -20 })], 4, 0],
    ['an absurd amount is 0', [row(1, { mrr: 1e15 })], 4, 0],
    ['something that is no number is 0', [row(1, { mrr: 'invalid' })], 4, 0],
    ['an unknown status is 0', [row(1, { status: 'paused' })], 4, 0],
  ])('%s', (_name, rows, instant, mrr) => {
    expect(moneyNumber(mrrAsOf(segments(rows), at(instant)))).toBeCloseTo(mrr, 9)
  })

  it.each([
    ['unconverted', row(1, { currency: 'EUR' })],
    ['negative_mrr', row(1, { mrr: -20 })],
    ['free_plan_with_mrr', row(1, { plan: 'free' })],
    ['absurd_amounts', row(1, { mrr: 1e15 })],
    ['invalid_amounts', row(1, { mrr: 'invalid' })],
  ])('marks a row for the counter %s', (issue, problem) => {
    expect(segments([problem])).toEqual([expect.objectContaining({ issue, from: at(1), to: openEnd })])
  })

  it('ends a failed payment after the grace days, when there are any', () => {
    const rows = [row(1), row(3, { status: 'past_due' }), row(4, { status: 'past_due', mrr: 90 })]
    const grace = { ...defaultKpiConfig, pastDueGraceDays: 5 }
    expect(moneyNumber(mrrAsOf(segments(rows, grace), at(8)))).toBe(90)
    expect(moneyNumber(mrrAsOf(segments(rows, grace), at('8 00:00:01')))).toBe(0)
    expect(moneyNumber(mrrAsOf(segments(rows), at(30)))).toBe(90)
  })

  it('takes one of several rows with the same provider event', () => {
    const once = row(2, { providerEventId: 'evt_1', recordedAt: at(2) })
    const again = row(9, { providerEventId: 'evt_1', recordedAt: at(9), mrr: 900 })
    const cut = segmentsFromLog([again, once], defaultKpiConfig)
    expect(cut.duplicates).toBe(1)
    expect(cut.segments).toEqual([expect.objectContaining({ from: at(2), to: openEnd })])
  })

  it('remembers a subscription that ended but still says active, until a row says otherwise', () => {
    const statuses = (rows: ReturnType<typeof row>[]): string[] => segments(rows).map(({ status }) => status)
    expect(statuses([row(1, { endDate: at(5) })])).toEqual(['active', 'expired'])
    expect(statuses([row(1, { endDate: at(5) }), row(9, { status: 'cancelled' })])).toEqual([
      'active',
      'expired',
      'expired_resolved',
    ])
    expect(statuses([row(1), row(5, { status: 'cancelled' })])).toEqual(['active'])
  })
})

describe('a subscription without change log', () => {
  it.each([
    ['runs from its start', document(), at(1), openEnd],
    ['from its creation when it has no start', document({ startDate: null, createdAt: at(3) }), at(3), openEnd],
    ['to its end, though it still says active', document({ endDate: at(9) }), at(1), at(9)],
    ['is paid until its end when cancelled', document({ status: 'cancelled', endDate: at(9) }), at(1), at(9)],
    [
      'to its last update when cancelled without end',
      document({ status: 'cancelled', updatedAt: at(7) }),
      at(1),
      at(7),
    ],
  ])('%s', (_name, subscription, from, to) => {
    expect(segmentsFromDocument(subscription, defaultKpiConfig)).toContainEqual(
      expect.objectContaining({ from, to, status: 'active', history: 'assumed' }),
    )
  })

  it('cannot be placed without a start, or cancelled without any end', () => {
    expect(segmentsFromDocument(document({ startDate: null }), defaultKpiConfig)).toBeNull()
    expect(segmentsFromDocument(document({ status: 'cancelled' }), defaultKpiConfig)).toBeNull()
  })
})

describe('counts', () => {
  it('tell paying, overdue and trying subscriptions apart', () => {
    const all = segments([
      row(1),
      row(1, { subscription: 's2', status: 'past_due' }),
      row(1, { subscription: 's3', status: 'trialing' }),
      row(1, { subscription: 's4', plan: 'free' }),
      row(1, { subscription: 's5', mrr: 0 }),
      row(1, { subscription: 's6' }),
      row(2, { subscription: 's6', status: 'cancelled' }),
    ])
    expect(countSubscriptions(all, at(5))).toEqual({ active: 2, pastDue: 1, trialing: 1 })
  })
})

describe('trials', () => {
  const trial = (overrides = {}) => row(1, { status: 'trialing', ...overrides })
  it.each([
    ['converted by becoming active', [trial(), row(10)], { ended: 1, converted: 1 }],
    ['ended by cancellation', [trial(), row(10, { status: 'cancelled' })], { ended: 1, converted: 0 }],
    ['ended by schedule', [trial({ endDate: at(10) })], { ended: 1, converted: 0 }],
    ['converted at its scheduled end', [trial({ endDate: at(10) }), row(10)], { ended: 1, converted: 1 }],
    ['ended by moving to free', [trial(), row(10, { plan: 'free' })], { ended: 1, converted: 0 }],
    ['ended by a failed first payment', [trial(), row(10, { status: 'past_due' })], { ended: 1, converted: 0 }],
    ['active at 0 is no conversion', [trial(), row(10, { mrr: 0 })], { ended: 1, converted: 0 }],
    ['still running', [trial()], { ended: 0, converted: 0 }],
    ['prolonged, then converted', [trial(), row(5, { status: 'trialing' }), row(10)], { ended: 1, converted: 1 }],
    ['replaced at its instant: never a trial', [trial(), row(1, { seq: 1 })], { ended: 0, converted: 0 }],
    ['ended when the window opens', [trial(), row(4)], { ended: 1, converted: 1 }],
    ['ended before it', [trial(), row('3 23:59:59')], { ended: 0, converted: 0 }],
    ['ended when it closes', [trial(), row(20)], { ended: 0, converted: 0 }],
  ])('%s', (_name, rows, counts) => {
    expect(countTrials(segments(rows), at(4), at(20))).toEqual(counts)
  })
})
