import { describe, expect, it } from 'vitest'
import { type Fraction, fraction, fractionFromDecimal, roundToHundredths } from '../../../../domain/exact/fraction.ts'
import { dayMs } from '../../../../domain/instant.ts'
import { computeArpu } from '../../../../domain/kpi/arpu.ts'
import { computeArr } from '../../../../domain/kpi/arr.ts'
import { computeCac, type SpendRow, sumSpend } from '../../../../domain/kpi/cac.ts'
import { computeCacPaybackMonths } from '../../../../domain/kpi/cac-payback-months.ts'
import { computeChurnRate, countChurnedCustomers } from '../../../../domain/kpi/churn-rate.ts'
import { computeCohortRetention } from '../../../../domain/kpi/cohort-retention.ts'
import { computeKpis } from '../../../../domain/kpi/compute-kpis.ts'
import { defaultKpiConfig, readKpiConfig } from '../../../../domain/kpi/config.ts'
import { customerSegments } from '../../../../domain/kpi/customer-segments.ts'
import { kpiDefinitions } from '../../../../domain/kpi/definitions.ts'
import { computeLtv } from '../../../../domain/kpi/ltv.ts'
import { computeLtvCacRatio } from '../../../../domain/kpi/ltv-cac-ratio.ts'
import { noMovements } from '../../../../domain/kpi/movements.ts'
import { computeGrossMrrChurnRate, computeNetMrrChurnRate } from '../../../../domain/kpi/mrr-churn-rate.ts'
import { computeNps } from '../../../../domain/kpi/nps.ts'
import { computeQuickRatio } from '../../../../domain/kpi/quick-ratio.ts'
import { computeGrr, computeNrr, sumRetention } from '../../../../domain/kpi/revenue-retention.ts'
import { computeUsageRetention } from '../../../../domain/kpi/usage-retention.ts'
import { type Money, monthlyMoney, zeroMoney } from '../../../../domain/money.ts'
import { at, row, segments } from './rows.ts'

const money = (amount: number): Money => monthlyMoney(amount, false)!
const shown = (value: Fraction | null): number | null => (value === null ? null : roundToHundredths(value))
const balance = (windowFrom: number, asOf: number) => ({
  customer: 'c',
  asOf: money(asOf),
  windowFrom: money(windowFrom),
  days30Ago: money(windowFrom),
  months12Ago: money(windowFrom),
})

describe('unit economics', () => {
  it('of the sample: 98,750 from 1,250 payers, 40 of 1,250 lost', () => {
    const arpu = computeArpu(money(98_750), 1250)
    const churn = computeChurnRate(40, 1250)
    const ltv = computeLtv(arpu, churn, 1)
    expect([shown(computeArr(money(98_750))), shown(arpu), shown(churn), shown(ltv)]).toEqual([
      1_185_000, 79, 3.2, 2468.75,
    ])
    expect(shown(computeLtvCacRatio(ltv, fraction(120)))).toBe(20.57)
    expect(shown(computeLtv(arpu, churn, 0.8))).toBe(1975)
  })

  it('take 100 monthly prices of 100 and 50 yearly ones of 600 as 12,500', () => {
    const mrr = [...Array(100).fill(money(100)), ...Array(50).fill(monthlyMoney(600, true))]
    const metrics = computeKpis({
      ...nothing,
      balances: mrr.map((asOf: Money, index) => ({ ...balance(0, 0), customer: `c${index}`, asOf })),
    })
    expect(metrics).toMatchObject({ mrr: 12_500, arr: 150_000, paying_customers: 150, arpu: 83.33 })
  })

  it('multiply ARR from the unrounded MRR', () => {
    expect(shown(computeArr(monthlyMoney(2000, true)!))).toBe(2000)
  })

  it('leave joined-and-left and left-and-returned out of churn', () => {
    const balances = [balance(10, 10), balance(10, 0), balance(0, 0), balance(0, 10), balance(10, 5)]
    expect(countChurnedCustomers(balances)).toBe(1)
    expect(shown(computeChurnRate(1, 3))).toBe(33.33)
  })

  it.each([
    ['arpu without payers', computeArpu(zeroMoney, 0), null],
    ['churn when nobody paid', computeChurnRate(0, 0), null],
    ['ltv at churn 0', computeLtv(fraction(79), fraction(0), 1), null],
    ['ltv at unknown churn', computeLtv(fraction(79), null, 1), null],
    ['ltv of nobody at churn 100 %', computeLtv(null, fraction(100), 1), null],
    ['ltv at margin 0', computeLtv(fraction(79), fraction(5), 0), 0],
    ['cac without spend documents', computeCac(null, 5), null],
    ['cac without new customers', computeCac(fraction(100), 0), null],
    ['cac of spend 0', computeCac(fraction(0), 5), 0],
    ['ltv:cac at cac 0', computeLtvCacRatio(fraction(5), fraction(0)), null],
    ['ltv:cac at unknown cac', computeLtvCacRatio(fraction(5), null), null],
    ['payback without new customers', computeCacPaybackMonths(null, zeroMoney, 0, 1), null],
    ['payback of 120 at 60 a month and margin 80 %', computeCacPaybackMonths(fraction(120), money(120), 2, 0.8), 2.5],
    ['quick ratio without losses', computeQuickRatio({ ...noMovements, new: money(5) }), null],
    ['gross churn of no opening', computeGrossMrrChurnRate(noMovements, zeroMoney), null],
  ])('%s', (_name, value, expected) => {
    expect(shown(value)).toBe(expected)
  })

  it('weigh gains against losses', () => {
    const movements = {
      ...noMovements,
      new: money(200),
      expansion: money(100),
      reactivation: money(60),
      contraction: money(40),
      churned: money(50),
    }
    expect(shown(computeQuickRatio(movements))).toBe(4)
    expect(shown(computeGrossMrrChurnRate(movements, money(1000)))).toBe(9)
    expect(shown(computeNetMrrChurnRate(movements, money(1000)))).toBe(-7)
  })

  it('retain revenue per customer of a fixed cohort', () => {
    const sums = sumRetention(
      [balance(100, 150), balance(100, 60), balance(100, 0), balance(0, 500)],
      (customer) => customer.windowFrom,
    )
    expect([shown(computeNrr(sums)), shown(computeGrr(sums))]).toEqual([70, 53.33])
  })
})

describe('spend', () => {
  const spend = (overrides: Partial<SpendRow> = {}): SpendRow => ({
    periodStart: at(1),
    periodEnd: at(31),
    amount: 3000,
    currency: null,
    fxRate: null,
    ...overrides,
  })
  const total = (rows: SpendRow[]) => shown(sumSpend(rows, at(1), at(31), defaultKpiConfig).total)
  it.each([
    ['inside the window counts whole', [spend()], 3000],
    ['overlapping counts by time', [spend({ periodStart: at('2024-02-15'), periodEnd: at(16) })], 1500],
    ['touching the window does not count', [spend({ periodStart: at('2024-02-01'), periodEnd: at(1) })], null],
    ['thirds add up exactly', [1, 2, 3].map(() => spend({ amount: 0.335 / 3 })), 0.34],
    ['in another currency is converted', [spend({ currency: 'EUR', fxRate: 1.1 })], 3300],
    ['nothing spent is 0, not unknown', [spend({ amount: 0 })], 0],
    ['no document is unknown', [], null],
  ])('%s', (_name, rows, expected) => {
    expect(total(rows)).toBe(expected)
  })

  it('counts what it leaves out', () => {
    const rows = [
      spend({ currency: 'EUR' }),
      spend({ amount: -5 }),
      spend({ amount: 'invalid' }),
      spend({ amount: 1e300 }),
      spend({ periodEnd: at(1) }),
      spend({ periodStart: null }),
    ]
    expect(sumSpend(rows, at(1), at(31), defaultKpiConfig)).toEqual({
      total: null,
      unconverted: 1,
      invalidAmounts: 3,
      invalidDates: 2,
    })
  })
})

describe('nps', () => {
  const answer = (user: string | null, score: number, day: number) => ({ user, score, respondedAt: at(day) })
  const nps = (answers: ReturnType<typeof answer>[]) => {
    const result = computeNps(answers, at(20), 15)
    return [shown(result.nps), result.respondents, result.invalidScores]
  }
  it.each([
    [
      'is promoters minus detractors',
      [answer('a', 9, 6), answer('b', 10, 6), answer('c', 8, 6), answer('d', 6, 6)],
      [25, 4, 0],
    ],
    ['takes the latest answer of a user', [answer('a', 0, 6), answer('a', 10, 8)], [100, 1, 0]],
    ['whatever the order', [answer('a', 10, 8), answer('a', 0, 6)], [100, 1, 0]],
    ['counts anonymous answers one each', [answer(null, 0, 6), answer(null, 10, 6)], [0, 2, 0]],
    ['drops scores outside 0..10', [answer('a', 11, 6), answer('b', 7.5, 6), answer('c', Number.NaN, 6)], [null, 0, 3]],
    ['an invalid answer does not hide an earlier one', [answer('a', 10, 6), answer('a', -1, 8)], [100, 1, 1]],
    [
      'opens with its window and closes before T',
      [answer('a', 10, 5), answer('b', 0, 20), answer('c', 0, 4)],
      [100, 1, 0],
    ],
    ['is unknown without a respondent', [], [null, 0, 0]],
    ['rounds two thirds to two decimals', [answer('a', 9, 6), answer('b', 8, 6), answer('c', 9, 6)], [66.67, 3, 0]],
  ])('%s', (_name, answers, expected) => {
    expect(nps(answers)).toEqual(expected)
  })
})

describe('cohorts', () => {
  const customer = (name: string, rows: ReturnType<typeof row>[]) =>
    customerSegments(segments(rows.map((entry) => ({ ...entry, subscription: name, customer: name }))))

  it('retain customers and MRR at each month end, and count who returned', () => {
    const table = computeCohortRetention(
      [
        customer('a', [row('2024-01-10', { mrr: 100 })]),
        customer('b', [
          row('2024-01-20', { mrr: 50 }),
          row('2024-02-10', { status: 'cancelled' }),
          row('2024-03-10', { mrr: 80 }),
        ]),
        customer('c', [row('2024-03-31 23:00', { mrr: 10 })]),
        customer('d', [row('2024-04-02', { mrr: 10 })]),
      ],
      at('2024-04-15'),
    )
    expect(table).toEqual([
      { cohort: '2024-01', size: 2, initial_mrr: 150, customers_pct: [100, 50, 100], mrr_pct: [100, 66.67, 120] },
      { cohort: '2024-03', size: 1, initial_mrr: 10, customers_pct: [100], mrr_pct: [100] },
      { cohort: '2024-04', size: 1, initial_mrr: 10, customers_pct: [], mrr_pct: [] },
    ])
  })

  it('give a month its column when it has ended, not before', () => {
    const own = [customer('a', [row('2024-01-10')])]
    expect(computeCohortRetention(own, at('2024-02-01') - 1)[0]?.customers_pct).toEqual([])
    expect(computeCohortRetention(own, at('2024-02-01'))[0]?.customers_pct).toEqual([100])
  })

  it('retain activity in the same way', () => {
    const months = new Map([
      [at('2024-02-01'), ['a', 'c']],
      [at('2024-01-01'), ['a', 'b']],
      [at('2024-03-01'), ['b']],
    ])
    expect(computeUsageRetention(months, at('2024-03-01') + 5 * dayMs)).toEqual([
      { cohort: '2024-01', size: 2, customers_pct: [100, 50] },
      { cohort: '2024-02', size: 1, customers_pct: [100] },
    ])
    expect(computeUsageRetention(new Map(), at(1))).toEqual([])
  })
})

const nothing = {
  asOf: at(31),
  windowFrom: at(1),
  config: defaultKpiConfig,
  totalUsers: 0,
  activity: { dau: 0, wau: 0, mau: 0, userDays: 0 },
  balances: [],
  movements: noMovements,
  subscriptions: { active: 0, pastDue: 0, trialing: 0 },
  trials: { ended: 0, converted: 0 },
  spend: { total: null, unconverted: 0, invalidAmounts: 0, invalidDates: 0 },
  nps: { nps: null, respondents: 0, users: [], invalidScores: 0 },
}

describe('a snapshot', () => {
  it('of nothing has every key: counts 0, ratios null', () => {
    const values = Object.entries(computeKpis(nothing))
    expect(values.filter(([, value]) => value !== 0 && value !== null)).toEqual([])
    expect(values.filter(([, value]) => value === null).map(([name]) => name)).toEqual([
      'arpu',
      'churn_rate',
      'ltv',
      'cac',
      'nps',
      'stickiness',
      'stickiness_avg',
      'gross_mrr_churn_rate',
      'net_mrr_churn_rate',
      'nrr_30d',
      'nrr_12m',
      'grr_30d',
      'grr_12m',
      'quick_ratio',
      'trial_conversion_rate',
      'ltv_cac_ratio',
      'cac_payback_months',
      'mrr_per_mau',
      'acquisition_spend',
    ])
  })

  it('has a definition for every metric, and a metric for every definition', () => {
    const stored = kpiDefinitions.filter((definition) => definition.stored).map(({ name }) => name)
    expect(stored.sort()).toEqual(Object.keys(computeKpis(nothing)).sort())
    expect(kpiDefinitions.filter((definition) => !definition.stored).map(({ name }) => name)).toEqual([
      'cohort_retention',
      'usage_retention',
    ])
  })
})

describe('the configuration', () => {
  it('falls back, value by value, on what cannot be', () => {
    expect(readKpiConfig({})).toEqual({ config: defaultKpiConfig, problems: [] })
    expect(
      readKpiConfig({
        reporting_currency: 'eur',
        gross_margin: 80,
        nps_window_days: 'ninety',
        inactive_event_types: [1],
        late_window_days: 10,
        past_due_grace_days: null,
      }),
    ).toEqual({
      config: { ...defaultKpiConfig, reportingCurrency: 'EUR', lateWindowDays: 10 },
      problems: ['gross_margin', 'inactive_event_types', 'nps_window_days'],
    })
  })

  it('reads 0.815 as the decimal it is', () => {
    expect(shown(computeLtv(fraction(1), fraction(100), 0.815))).toBe(0.82)
    expect(shown(fractionFromDecimal(0.815))).toBe(0.82)
  })
})
