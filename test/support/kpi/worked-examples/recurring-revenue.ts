import { before, during, many, paying, trial, type WorkedExample, yearly } from './example.ts'

const stripeGlossary = 'Stripe docs, Billing metric definitions'
const stripeAnalytics = 'Stripe Support, Billing analytics'
const chartMogulLifecycle = 'ChartMogul Help, The lifecycle of a subscription'

/** One customer's story, told at five moments. */
const syncalytics = [
  {
    customer: 'Syncalytics',
    name: 'gold',
    log: [
      ['2023-01-02', yearly(2000)],
      ['2024-01-02', 'cancelled'],
      ['2024-02-05', 150],
    ],
  },
  {
    customer: 'Syncalytics',
    name: 'silver',
    log: [
      ['2023-01-09', 60],
      ['2023-01-23', 'cancelled'],
    ],
  },
] as const

/** What is in MRR, and at which value. */
export const recurringRevenue: readonly WorkedExample[] = [
  {
    source: stripeGlossary,
    says: '100 subscribers at 100 a month and 50 at 600 a year make 12,500',
    subscriptions: [...many(100, 'a', [before, 100]), ...many(50, 'b', [before, yearly(600)])],
    metrics: { mrr: 12_500, arr: 150_000, active_subscriptions: 150, paying_customers: 150, arpu: 83.33 },
  },
  {
    source: stripeAnalytics,
    says: 'an annual subscription of 1,200 counts 100',
    subscriptions: [paying('a', [before, yearly(1200)])],
    metrics: { mrr: 100, arr: 1200 },
  },
  {
    source: stripeAnalytics,
    says: 'a 50 % coupon for ever halves the MRR',
    subscriptions: [paying('a', [before, 100], [during, 50])],
    metrics: { mrr: 50, contraction_mrr: 50, churned_mrr: 0 },
  },
  {
    source: stripeAnalytics,
    says: 'a trial does not count',
    subscriptions: [paying('a', [before, 100]), paying('b', [during, { ...trial, mrr: 80 }])],
    metrics: { mrr: 100, paying_customers: 1, trialing_subscriptions: 1 },
  },
  {
    source: stripeGlossary,
    says: 'past_due counts, free plans do not',
    subscriptions: [
      paying('a', [before, { status: 'past_due', plan: 'pro', mrr: 30 }]),
      paying('b', [before, { status: 'active', plan: 'free', mrr: 0 }]),
    ],
    metrics: { mrr: 30, active_subscriptions: 1, past_due_subscriptions: 1 },
  },
  {
    source: 'Stripe Support, Calculating churn rate in Billing',
    says: 'a trial that turns active counts although its first invoice is unpaid',
    subscriptions: [paying('a', ['2024-01-20', trial], [during, 40])],
    metrics: { mrr: 40, new_mrr: 40, new_customers: 1 },
  },
  {
    source: 'mainmetrics.com, How we compute the metrics',
    says: '600 a year contribute 50',
    subscriptions: [paying('a', [before, yearly(600)])],
    metrics: { mrr: 50 },
  },
  {
    source: 'Chargebee, How is MRR calculated',
    says: 'plan 100 and add-on 100 less a recurring discount of 50 make 150',
    subscriptions: [paying('a', [before, 150])],
    metrics: { mrr: 150 },
  },
  {
    source: 'Paddle Help, What is monthly recurring revenue',
    says: 'another currency is converted',
    subscriptions: [
      paying('a', [
        before,
        { status: 'active', plan: 'pro', billing_cycle: 'monthly', amount: 100, currency: 'EUR', fx_rate: 1.1 },
      ]),
    ],
    metrics: { mrr: 110 },
  },
  {
    source: 'ChartMogul Help, Understanding MRR movements',
    says: 'a currency that fluctuates is no movement',
    subscriptions: [
      paying('a', [before, { status: 'active', plan: 'pro', mrr: 100, currency: 'EUR', fx_rate: 1.1 }]),
      paying('b', [during, { status: 'active', plan: 'pro', mrr: 100, currency: 'EUR', fx_rate: 1.2 }]),
    ],
    metrics: { opening_mrr: 110, mrr: 230, new_mrr: 120, expansion_mrr: 0 },
  },
  {
    source: 'Paddle Help, ProfitWell vs. Recurly',
    says: 'a cancelled subscription counts until the end of its billing cycle',
    subscriptions: [
      paying(
        'a',
        [before, 70],
        [during, { status: 'active', plan: 'pro', mrr: 70, end_date: new Date('2024-03-15T12:00:00Z') }],
      ),
    ],
    metrics: { mrr: 70, churned_mrr: 0, churn_rate: 0 },
  },
  {
    source: 'Paddle Help, ProfitWell vs. Recurly',
    says: 'and is churn on that day, without any further row',
    subscriptions: [
      paying(
        'a',
        [before, 70],
        [during, { status: 'active', plan: 'pro', mrr: 70, end_date: new Date('2024-03-15T12:00:00Z') }],
      ),
    ],
    asOf: '2024-03-16',
    metrics: { mrr: 0, churned_mrr: 70, churn_rate: 100, arpu: null, ltv: null },
  },
  {
    source: 'calculator.city, Subscription metrics, example scenario',
    says: '1,000 at 50 make an MRR of 50,000 and an ARR of 600,000 (here one in ten)',
    subscriptions: many(100, 'a', [before, 50]),
    metrics: { mrr: 5000, arr: 60_000, arpu: 50 },
  },
  {
    source: chartMogulLifecycle,
    says: 'four yearly plans of 500 are new business of 166.67',
    subscriptions: syncalytics,
    asOf: '2023-01-08',
    metrics: { new_mrr: 166.67, mrr: 166.67, arr: 2000, expansion_mrr: 0 },
  },
  {
    source: chartMogulLifecycle,
    says: 'two more plans at 30 are an expansion of 60',
    subscriptions: syncalytics,
    asOf: '2023-01-16',
    windowFrom: '2023-01-08',
    metrics: { new_mrr: 0, expansion_mrr: 60, mrr: 226.67, paying_customers: 1, active_subscriptions: 2 },
  },
  {
    source: chartMogulLifecycle,
    says: 'cancelling them while another is active is a contraction of 60',
    subscriptions: syncalytics,
    asOf: '2023-02-01',
    windowFrom: '2023-01-16',
    metrics: { contraction_mrr: 60, churned_mrr: 0, churned_customers: 0, mrr: 166.67 },
  },
  {
    source: chartMogulLifecycle,
    says: 'the last one ends with its year: churn of 166.67',
    subscriptions: syncalytics,
    asOf: '2024-01-15',
    metrics: { churned_mrr: 166.67, contraction_mrr: 0, churned_customers: 1, churn_rate: 100, mrr: 0 },
  },
  {
    source: chartMogulLifecycle,
    says: 'three monthly plans of 50 after that are a reactivation of 150',
    subscriptions: syncalytics,
    metrics: { reactivation_mrr: 150, new_mrr: 0, new_customers: 0, reactivated_customers: 1, mrr: 150 },
  },
]
