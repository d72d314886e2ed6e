import { before, during, many, paying, type State, type Subscription, trial, type WorkedExample } from './example.ts'

const halfAMillion = (change: readonly [number, State][]): Subscription[] =>
  change.map(([opening, after], index) =>
    paying(`c${index}`, [before, opening], ...(after === opening ? [] : [[during, after] as const])),
  )

const ended = (name: string, count: number, after: State): Subscription[] =>
  many(count, name, ['2024-01-20', trial], [during, after])

/** Who stayed, and what they pay. */
export const retention: readonly WorkedExample[] = [
  {
    source: 'ChartMogul Help, Customer churn rate',
    says: '11 of 100 cancel, one more joined and left in the month: 10 % of those at the start',
    subscriptions: [
      ...many(90, 'stays', [before, 10]),
      ...many(10, 'leaves', [before, 10], [during, 'cancelled']),
      paying('joins and leaves', ['2024-02-05', 10], ['2024-02-20', 'cancelled']),
    ],
    metrics: { opening_customers: 100, churned_customers: 10, churn_rate: 10, paying_customers: 90 },
  },
  {
    source: 'mainmetrics.com, How we compute the metrics',
    says: 'of 100 customers 10 leave within 30 days while 30 come: 10 %',
    subscriptions: [
      ...many(90, 'stays', [before, 10]),
      ...many(10, 'leaves', [before, 10], [during, 'cancelled']),
      ...many(30, 'new', [during, 10]),
    ],
    metrics: { churn_rate: 10, new_customers: 30, paying_customers: 120 },
  },
  {
    source: 'Baremetrics Help, User and revenue churn',
    says: '5 % of the customers of 30 days ago cancelled, 5 % of the MRR was lost',
    subscriptions: [...many(19, 'stays', [before, 50]), paying('leaves', [before, 50], [during, 'cancelled'])],
    metrics: { churn_rate: 5, gross_mrr_churn_rate: 5, grr_30d: 95 },
  },
  {
    source: 'Baremetrics academy, Churn (10,000 customers lose 480; here one in forty)',
    says: '4.8 %',
    subscriptions: [...many(238, 'stays', [before, 10]), ...many(12, 'leaves', [before, 10], [during, 'cancelled'])],
    metrics: { opening_customers: 250, churn_rate: 4.8 },
  },
  {
    source: 'Baremetrics Help, User and revenue churn',
    says: 'paid to free is churn',
    subscriptions: [
      paying('a', [before, 10], [during, { status: 'active', plan: 'free', mrr: 0 }]),
      paying('b', [before, 10]),
    ],
    metrics: { churn_rate: 50, churned_mrr: 10, active_subscriptions: 1 },
  },
  {
    source: 'Paddle Help, ProfitWell vs. Recurly',
    says: 'who signs up and churns in one window is not in the churn rate',
    subscriptions: [paying('a', [before, 10]), paying('b', ['2024-02-05', 10], ['2024-02-20', 'cancelled'])],
    metrics: { churn_rate: 0, churned_customers: 0 },
  },
  {
    source: 'Paddle Help, ProfitWell vs. Recurly',
    says: 'who comes back at any time is a reactivation',
    subscriptions: [paying('a', [before, 10], ['2024-02-05', 'cancelled'], ['2024-02-15', 10])],
    metrics: { reactivation_mrr: 10, churned_mrr: 10, churn_rate: 0, new_mrr: 0 },
  },
  {
    source: 'ChurnZero, Net revenue retention',
    says: '27,000 become 35,000 by upsells and lose 5,000: 30,000 over 27,000',
    subscriptions: halfAMillion([
      [22_000, 30_000],
      [5_000, 'cancelled'],
    ]),
    metrics: { opening_mrr: 27_000, mrr: 30_000, nrr_30d: 111.11, grr_30d: 81.48 },
  },
  {
    source: 'PitchKit glossary, Net dollar retention',
    says: '100 and 15 expansion, 3 contraction, 5 churn: 107 %',
    subscriptions: halfAMillion([
      [50_000, 65_000],
      [45_000, 42_000],
      [5_000, 'cancelled'],
    ]),
    metrics: { nrr_30d: 107, grr_30d: 92 },
  },
  {
    source: 'The Prime Calculator, Net revenue retention',
    says: '100,000 and 15,000 expansion, 5,000 contraction, 8,000 churn: 102 %',
    subscriptions: halfAMillion([
      [60_000, 75_000],
      [32_000, 27_000],
      [8_000, 'cancelled'],
    ]),
    metrics: { nrr_30d: 102, mrr: 102_000, net_new_mrr: 2000, grr_30d: 87 },
  },
  {
    source: 'Baremetrics changelog, Net revenue retention',
    says: '100 % - (churned - expansion) / MRR 30 days ago',
    subscriptions: halfAMillion([
      [900, 1050],
      [100, 'cancelled'],
    ]),
    metrics: { nrr_30d: 105 },
  },
  {
    source: 'Chargebee docs, Gross revenue retention',
    says: 'from 5,000 to 6,000 all is retained, and nothing more',
    subscriptions: halfAMillion([[5_000, 6_000]]),
    metrics: { grr_30d: 100, nrr_30d: 120 },
  },
  {
    source: 'SaaS Metrics Standards Board, GRR and NRR',
    says: 'the customers of 12 months ago; who came since is outside',
    subscriptions: [
      paying('stays', ['2023-01-10', 100], [during, 130]),
      paying('leaves', ['2023-01-10', 100], ['2023-08-01', 'cancelled']),
      paying('new', ['2023-09-01', 500]),
    ],
    metrics: { nrr_12m: 65, grr_12m: 50, mrr: 630 },
  },
  {
    source: 'Stripe Support, Calculating trial conversion rate in Billing',
    says: 'conversions over trials that ended, by conversion or cancellation; running ones are outside',
    subscriptions: [...ended('converts', 3, 20), ...ended('cancels', 1, 'cancelled'), paying('runs', [during, trial])],
    metrics: { trial_conversion_rate: 75, trials_ended: 4, trials_converted: 3, trialing_subscriptions: 1 },
  },
  {
    source: 'Stripe Support, Calculating trial conversion rate in Billing',
    says: 'cancelled shortly after the first invoice is still converted',
    subscriptions: [paying('a', ['2024-01-20', trial], ['2024-02-05', 20], ['2024-02-08', 'cancelled'])],
    metrics: { trial_conversion_rate: 100 },
  },
  {
    source: 'ChartMogul Help, Trial-to-paid conversion rate',
    says: '5 of 10 trials become customers: 50 %',
    subscriptions: [...ended('converts', 5, 20), ...ended('cancels', 5, 'cancelled')],
    metrics: { trial_conversion_rate: 50, new_customers: 5 },
  },
  {
    source: 'Stripe Support, Calculating trial conversion rate in Billing',
    says: 'a first payment that failed is no conversion',
    subscriptions: [...ended('converts', 1, 20), ...ended('fails', 1, { status: 'past_due', plan: 'pro', mrr: 20 })],
    metrics: { trial_conversion_rate: 50 },
  },
  {
    source: 'Chargebee Help, MRR retention cohort, example 1',
    says: 'a cohort that grows from 1,000 in January to 5,000 in December retains 500 %',
    subscriptions: [paying('a', ['2017-01-10', 1000], ['2017-12-05', 5000])],
    asOf: '2018-01-01',
    metrics: {
      cohort_retention: [
        {
          cohort: '2017-01',
          size: 1,
          initial_mrr: 1000,
          customers_pct: Array(12).fill(100),
          mrr_pct: [...Array(11).fill(100), 500],
        },
      ],
    },
  },
  {
    source: 'Chargebee Help, MRR retention cohort, example 2',
    says: '1,000 that lose 100 and gain 200 retain 110 %',
    subscriptions: [
      paying('a', ['2024-01-10', 900], ['2024-02-10', 1100]),
      paying('b', ['2024-01-10', 100], ['2024-02-10', 'cancelled']),
    ],
    metrics: {
      cohort_retention: [
        { cohort: '2024-01', size: 2, initial_mrr: 1000, customers_pct: [100, 50], mrr_pct: [100, 110] },
      ],
    },
  },
  {
    source: 'FeedGot, Customer cohort analysis (January: 200; here one in ten)',
    says: '85 % after a month, 70 % after three',
    subscriptions: [
      ...many(14, 'stays', ['2024-01-10', 10]),
      ...many(3, 'leaves late', ['2024-01-10', 10], ['2024-03-10', 'cancelled']),
      ...many(3, 'leaves soon', ['2024-01-10', 10], ['2024-02-10', 'cancelled']),
    ],
    asOf: '2024-05-01',
    metrics: {
      cohort_retention: [
        { cohort: '2024-01', size: 20, initial_mrr: 200, customers_pct: [100, 85, 70, 70], mrr_pct: [100, 85, 70, 70] },
      ],
    },
  },
  {
    source: 'Stripe Support, Subscriber cohorts and cohort retention',
    says: 'who returns stays in the first cohort',
    subscriptions: [paying('a', ['2023-12-10', 10], ['2024-01-10', 'cancelled'], ['2024-02-10', 20])],
    metrics: {
      cohort_retention: [
        { cohort: '2023-12', size: 1, initial_mrr: 10, customers_pct: [100, 0, 100], mrr_pct: [100, 0, 200] },
      ],
    },
  },
]
