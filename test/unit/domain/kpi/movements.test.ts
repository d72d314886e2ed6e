import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roundToHundredths } from '../../../../domain/exact/fraction.ts'
import { dayMs } from '../../../../domain/instant.ts'
import { customerSegments, mrrAsOf, mrrAtClosing } from '../../../../domain/kpi/customer-segments.ts'
import { computeMovements, computeNetNewMrr } from '../../../../domain/kpi/movements.ts'
import type { LogRow } from '../../../../domain/kpi/subscription-row.ts'
import { addMoney, type Money, moneyFraction } from '../../../../domain/money.ts'
import { at, row, segments } from './rows.ts'

const printed = (amount: Money): number => roundToHundredths(moneyFraction(amount))

/** Movements of [1 March, 31 March). */
function movementsOf(rows: readonly LogRow[]): Record<string, number> {
  const { newCustomers, reactivatedCustomers, ...amounts } = computeMovements(
    customerSegments(segments(rows)).filter(({ from }) => from > at(1) && from <= at(31)),
  )
  const numbers: Record<string, number> = {}
  for (const [name, amount] of Object.entries(amounts)) if (printed(amount) !== 0) numbers[name] = printed(amount)
  if (newCustomers > 0) numbers.newCustomers = newCustomers
  if (reactivatedCustomers > 0) numbers.reactivatedCustomers = reactivatedCustomers
  return numbers
}

const before = '2024-02-01'
const second = (effectiveAt: string | number, overrides: Partial<LogRow> = {}) =>
  row(effectiveAt, { subscription: 's2', ...overrides })

describe('MRR movements per customer and day', () => {
  it.each([
    ['0 to x is new', [row(5)], { new: 100, newCustomers: 1 }],
    ['x to more is expansion', [row(before), row(5, { mrr: 130 })], { expansion: 30 }],
    ['x to less is contraction', [row(before), row(5, { mrr: 70 })], { contraction: 30 }],
    ['x to 0 is churned', [row(before), row(5, { status: 'cancelled' })], { churned: 100 }],
    ['paid to free is churned', [row(before), row(5, { plan: 'free' })], { churned: 100 }],
    ['a discount of 100 % is churned', [row(before), row(5, { mrr: 0 })], { churned: 100 }],
    [
      'back after a day away is reactivation',
      [row(before), row(5, { status: 'cancelled' }), row(9, { mrr: 80 })],
      { churned: 100, reactivation: 80, reactivatedCustomers: 1 },
    ],
    ['back on the same day is nothing', [row(before), row('5 08:00', { status: 'cancelled' }), row('5 09:00')], {}],
    ['in and out on one day leaves no trace', [row('5 08:00'), row('5 09:00', { status: 'cancelled' })], {}],
    [
      'and a later start is still new',
      [row('5 08:00'), row('5 09:00', { status: 'cancelled' }), row(9)],
      { new: 100, newCustomers: 1 },
    ],
    [
      'cancelling one of two subscriptions is contraction',
      [row(before), second(before, { mrr: 40 }), second(5, { status: 'cancelled' })],
      { contraction: 40 },
    ],
    [
      'a plan switch made as cancel and create is one expansion',
      [row(before), row('5 08:00', { status: 'cancelled' }), second('5 09:00', { mrr: 150 })],
      { expansion: 50 },
    ],
    ['a trial becoming paid is new', [row(2, { status: 'trialing' }), row(9)], { new: 100, newCustomers: 1 }],
    ['past due is no movement', [row(before), row(5, { status: 'past_due' })], {}],
    [
      'yearly 100 to monthly 8.33 is under half a cent: nothing',
      [row(before, { billingCycle: 'yearly', amount: 100 }), row(5, { billingCycle: 'monthly', amount: 8.33 })],
      {},
    ],
    [
      'two changes on two days are two movements',
      [row(before), row(5, { mrr: 130 }), row(6, { mrr: 120 })],
      { expansion: 30, contraction: 10 },
    ],
    ['a change at midnight belongs to the day it opens', [row(1)], { new: 100, newCustomers: 1 }],
    ['at the end of the window it is outside', [row(31)], {}],
  ])('%s', (_name, rows, expected) => {
    expect(movementsOf(rows)).toEqual(expected)
  })

  it('add up: opening plus movements is closing, for any log and window', () => {
    const amount = fc.constantFrom(0, 10, 49, 99.99, 1000, 0.12)
    const change = fc.record({
      subscription: fc.constantFrom('s1', 's2'),
      effectiveAt: fc.integer({ min: at('2024-01-01'), max: at('2024-04-01') }),
      seq: fc.nat(3),
      status: fc.constantFrom('active', 'active', 'past_due', 'trialing', 'cancelled'),
      plan: fc.constantFrom('pro', 'free'),
      billingCycle: fc.constantFrom('monthly', 'yearly'),
      amount,
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.nat(90), fc.nat(60), (changes, start, length) => {
        const own = segments(changes.map((overrides) => row(1, overrides)))
        const closings = customerSegments(own)
        const from = at('2024-01-01') + start * dayMs
        const to = from + length * dayMs
        const movements = computeMovements(closings.filter((segment) => segment.from > from && segment.from <= to))
        const opening = mrrAtClosing(closings, from)
        expect(opening).toEqual(mrrAsOf(own, from))
        expect(addMoney(opening, computeNetNewMrr(movements))).toEqual(mrrAsOf(own, to))
      }),
    )
  })

  it('of a month are the sum of its days', () => {
    const rows = [row(before), row(3, { mrr: 130 }), row(9, { status: 'cancelled' }), row(20, { mrr: 60 })]
    const closings = customerSegments(segments(rows))
    const days = Array.from({ length: 30 }, (_, index) =>
      computeNetNewMrr(computeMovements(closings.filter(({ from }) => from === at(index + 2)))),
    )
    const month = computeMovements(closings.filter(({ from }) => from > at(1) && from <= at(31)))
    expect(days.reduce(addMoney)).toEqual(computeNetNewMrr(month))
  })

  it('keep the month of the first payment for ever, by the day whose closing first shows it', () => {
    const rows = [row('2024-01-31 23:59'), row('2024-02-10', { status: 'cancelled' }), row(5)]
    expect(new Set(customerSegments(segments(rows)).map(({ cohort }) => cohort))).toEqual(new Set([at('2024-01-01')]))
  })

  it('keep a churned customer out of every range of living segments', () => {
    const closings = customerSegments(segments([row(before), row(5, { status: 'cancelled' })]))
    expect(closings.map(({ from, to, movement }) => [from, to, movement])).toEqual([
      [at('2024-02-02'), at(6), 'new'],
      [at(6), at(6), 'churned'],
    ])
  })
})
