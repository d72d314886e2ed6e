import { before, during, many, paying, type Subscription, trial, type WorkedExample, yearly } from './example.ts'

const cancellations = 'Baremetrics Help, Cancellations and downgrades'
const profitWell = 'ProfitWell, differences from Recurly and Maxio'

/** A plan of 10 from 15 April; given up on 8 June, paid until 15 June. */
const sarah: Subscription = paying(
  'Sarah',
  ['2021-04-15T00:00:00Z', 10],
  ['2021-06-08', { status: 'active', plan: 'pro', mrr: 10, end_date: new Date('2021-06-15') }],
)

/** Customers who came in October to January, and the month after which each was gone. */
const cohorts: readonly Subscription[] = [
  paying('C001', ['2025-10-05', 10], ['2026-02-01', 'cancelled']),
  ...many(2, 'October', ['2025-10-05', 10]),
  paying('C003', ['2025-10-05', 10], ['2025-12-01', 'cancelled']),
  paying('C005', ['2025-10-05', 10], ['2026-03-01', 'cancelled']),
  ...many(3, 'November', ['2025-11-05', 10]),
  paying('C007', ['2025-11-05', 10], ['2026-01-01', 'cancelled']),
  ...many(3, 'December', ['2025-12-05', 10]),
  paying('C011', ['2025-12-05', 10], ['2026-03-01', 'cancelled']),
  ...many(3, 'January', ['2026-01-05', 10]),
  paying('C016', ['2026-01-05', 10], ['2026-03-01', 'cancelled']),
]

const retained = (cohort: string, size: number, shares: readonly number[]) => ({
  cohort,
  size,
  initial_mrr: 10 * size,
  customers_pct: shares,
  mrr_pct: shares,
})

/** What becomes of a customer: changes of plan and cycle, failed payments, leaving, coming back. */
export const lifecycle: readonly WorkedExample[] = [
  {
    source: 'ChartMogul Help, Lifecycle of a customer',
    says: 'four Gold years for 2,000 are 166.67; six of them a week later an expansion of 83.33',
    subscriptions: [paying('Emperor Gaming', ['2024-02-05', yearly(2000)], ['2024-02-12', yearly(3000)])],
    metrics: { mrr: 250, arr: 3000, new_mrr: 166.67, expansion_mrr: 83.33, net_new_mrr: 250 },
  },
  {
    source: 'ChartMogul Help, Understanding MRR movements: smart activity classification',
    says: 'two first subscriptions at once are both new business',
    subscriptions: [
      paying('a', ['2024-02-05T10:00:00Z', 30]),
      { customer: 'a', name: 'second', log: [['2024-02-05T10:40:00Z', 20]] },
    ],
    metrics: { new_mrr: 50, expansion_mrr: 0, new_customers: 1, active_subscriptions: 2 },
  },
  {
    source: cancellations,
    says: 'a downgrade to a free plan is a cancellation',
    subscriptions: [paying('a', [before, 30], [during, { status: 'active', plan: 'free', mrr: 0 }])],
    metrics: {
      churned_mrr: 30,
      contraction_mrr: 0,
      churned_customers: 1,
      churn_rate: 100,
      mrr: 0,
      arpu: null,
      ltv: null,
    },
  },
  {
    source: cancellations,
    says: 'from 50 a month to a year with two months free is a downgrade',
    subscriptions: [paying('a', [before, 50], [during, yearly(500)])],
    metrics: { mrr: 41.67, arr: 500, contraction_mrr: 8.33, churned_mrr: 0, nrr_30d: 83.33 },
  },
  {
    source: cancellations,
    says: 'started and cancelled on one day is a wash, and a later start is still new',
    subscriptions: [
      paying('gone', ['2024-02-05T09:00:00Z', 30], ['2024-02-05T17:00:00Z', 'cancelled']),
      paying('later', ['2023-06-05T09:00:00Z', 30], ['2023-06-05T17:00:00Z', 'cancelled'], [during, 40]),
    ],
    metrics: { new_mrr: 40, new_customers: 1, reactivation_mrr: 0, churned_mrr: 0, mrr: 40 },
  },
  {
    source: cancellations,
    says: 'who does not pay for more than 30 days is gone, where the configuration says so',
    subscriptions: [paying('a', ['2023-06-01', 30], ['2024-01-10', { status: 'past_due', plan: 'pro', mrr: 30 }])],
    config: { past_due_grace_days: 30 },
    metrics: { churned_mrr: 30, churn_rate: 100, past_due_subscriptions: 0 },
  },
  {
    source: 'Stripe docs, Billing metric definitions',
    says: 'a failed payment counts until the subscription is cancelled',
    subscriptions: [paying('a', ['2023-06-01', 30], ['2024-01-10', { status: 'past_due', plan: 'pro', mrr: 30 }])],
    metrics: { mrr: 30, churn_rate: 0, past_due_subscriptions: 1, active_subscriptions: 1 },
  },
  {
    source: 'Baremetrics changelog, Base plan classification',
    says: 'adding an add-on is an expansion, removing one a contraction',
    subscriptions: [
      paying('a', [before, 100]),
      {
        customer: 'a',
        name: 'seats',
        log: [
          [before, 15],
          [during, 'cancelled'],
        ],
      },
      paying('b', [before, 100]),
      { customer: 'b', name: 'seats', log: [[during, 25]] },
    ],
    metrics: { expansion_mrr: 25, contraction_mrr: 15, churned_mrr: 0, new_customers: 0, churned_customers: 0 },
  },
  {
    source: 'Baremetrics changelog, Base plan classification',
    says: 'base plan and add-on cancelled on one day are one churn of both',
    subscriptions: [
      paying('a', [before, 100], ['2024-02-10T08:00:00Z', 'cancelled']),
      {
        customer: 'a',
        name: 'seats',
        log: [
          [before, 15],
          ['2024-02-10T20:00:00Z', 'cancelled'],
        ],
      },
    ],
    metrics: { churned_mrr: 115, contraction_mrr: 0, churned_customers: 1 },
  },
  {
    source: 'ProfitWell, Churn',
    says: 'who cancels on 8 June still counts on the 10th',
    subscriptions: [sarah],
    asOf: '2021-06-10',
    metrics: { mrr: 10, churned_mrr: 0, active_subscriptions: 1 },
  },
  {
    source: 'ProfitWell, Churn (the closing balance of the day before is exact: an end at T is not before T)',
    says: 'and as of the first instant of 15 June',
    subscriptions: [sarah],
    asOf: '2021-06-15',
    metrics: { mrr: 10, churned_mrr: 0 },
  },
  {
    source: 'ProfitWell, Churn',
    says: 'and has churned a day later',
    subscriptions: [sarah],
    asOf: '2021-06-16',
    metrics: { mrr: 0, churned_mrr: 10, churned_customers: 1, churn_rate: 100 },
  },
  {
    source: 'ProfitWell, differences from Recurly (theirs drops who comes and goes in a month; here the spec decides)',
    says: 'who comes and goes on different days is new and churned, and in no churn rate',
    subscriptions: [paying('stays', [before, 10]), paying('a', ['2024-02-05', 20], ['2024-02-20', 'cancelled'])],
    metrics: { new_mrr: 20, churned_mrr: 20, net_new_mrr: 0, churn_rate: 0, churned_customers: 0 },
  },
  {
    source: profitWell,
    says: 'a subscription on hold pays nothing',
    subscriptions: [paying('a', [before, 20], [during, { status: 'paused', plan: 'pro', mrr: 20 }])],
    metrics: { mrr: 0, churned_mrr: 20, active_subscriptions: 0 },
  },
  {
    source: profitWell,
    says: 'who comes back after more than 90 days is a reactivation',
    subscriptions: [paying('a', ['2023-01-10', 20], ['2023-03-10', 'cancelled'], [during, 25])],
    metrics: { reactivation_mrr: 25, new_mrr: 0, new_customers: 0, reactivated_customers: 1 },
  },
  {
    source: profitWell,
    says: 'seats are expansions of the plan',
    subscriptions: [paying('a', [before, 20], ['2024-02-10', 60])],
    metrics: { expansion_mrr: 40, nrr_30d: 300, grr_30d: 100 },
  },
  {
    source: 'Recurly Support, Does MRR prorate?',
    says: '100 from 29 March count 100 on the next day',
    subscriptions: [paying('a', ['2024-03-29', 100])],
    asOf: '2024-03-30',
    metrics: { mrr: 100, new_mrr: 100 },
  },
  {
    source:
      'Paddle Help, How is MRR calculated (the price of a week is in no rule of the spec: the monthly value is stored)',
    says: 'a week of 10 is 43.30, a quarter of 300 is 100',
    subscriptions: [
      paying('week', [before, { status: 'active', plan: 'pro', billing_cycle: 'weekly', amount: 10, mrr: 43.3 }]),
      paying('quarter', [before, { status: 'active', plan: 'pro', billing_cycle: 'quarterly', amount: 300, mrr: 100 }]),
    ],
    metrics: { mrr: 143.3, arr: 1719.6, arpu: 71.65 },
  },
  {
    source: 'Zuora docs, Order delta MRR: discounts',
    says: '20 % off: from 50 to 65 is an expansion of 12',
    subscriptions: [paying('a', [before, 40], [during, 52])],
    metrics: { mrr: 52, expansion_mrr: 12 },
  },
  {
    source: 'ChartMogul blog, 100 % discounts (theirs may call it a downgrade; here the spec decides)',
    says: 'a discount of 100 % is churn, its end a reactivation',
    subscriptions: [
      paying('given', [before, 30], [during, 0]),
      paying('ends', ['2023-01-10', 30], ['2023-06-10', 0], [during, 30]),
    ],
    metrics: { churned_mrr: 30, reactivation_mrr: 30, net_new_mrr: 0, new_customers: 0 },
  },
  {
    source: 'Stripe Support, Calculating trial conversion rate in Billing',
    says: 'a trial given up before its end, one that runs out and one that turns free have ended unconverted',
    subscriptions: [
      paying('gives up', ['2024-01-25', trial], [during, 'cancelled']),
      paying('runs out', ['2024-01-25', { ...trial, end_date: new Date('2024-02-08') }]),
      paying('turns free', ['2024-01-25', trial], [during, { status: 'active', plan: 'free', mrr: 0 }]),
      paying('converts', ['2024-01-25', { ...trial, end_date: new Date('2024-02-08') }], ['2024-02-08T00:00:00Z', 20]),
      paying('prolongs', ['2024-01-25', trial], [during, trial]),
    ],
    metrics: { trials_ended: 4, trials_converted: 1, trial_conversion_rate: 25, trialing_subscriptions: 1 },
  },
  {
    source: 'ProfitWell, MRR cohorts report',
    says: 'of eleven of May 2021 one is gone in month 4 and four by month 12: 90.9 % and 63.6 %',
    subscriptions: [
      ...many(7, 'stays', ['2021-05-10', 10]),
      paying('gone in September', ['2021-05-10', 10], ['2021-09-10', 'cancelled']),
      ...many(3, 'gone in May', ['2021-05-10', 10], ['2022-05-10', 'cancelled']),
    ],
    asOf: '2022-06-01',
    metrics: {
      cohort_retention: [retained('2021-05', 11, [...Array(4).fill(100), ...Array(8).fill(90.91), 63.64])],
    },
  },
  {
    source: 'Data Research Analysis Collection, Cohort retention curve tutorial',
    says: '17 customers of four months, each gone after the month it was last active in',
    subscriptions: cohorts,
    asOf: '2026-04-01',
    metrics: {
      cohort_retention: [
        retained('2025-10', 5, [100, 100, 80, 80, 60, 40]),
        retained('2025-11', 4, [100, 100, 75, 75, 75]),
        retained('2025-12', 4, [100, 100, 100, 75]),
        retained('2026-01', 4, [100, 100, 75]),
      ],
    },
  },
]
