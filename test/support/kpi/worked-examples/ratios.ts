import { before, bookOf, during, many, paying, trial, type WorkedExample } from './example.ts'

const window = { period_start: new Date('2024-01-31'), period_end: new Date('2024-03-01') }
const spent = (amount: number) => [{ ...window, amount, channel: 'all', category: 'sales' }]

/** `count` trials that ended, of which `converted` became paying. */
const trials = (count: number, converted: number) => [
  ...many(converted, 'converts', ['2024-01-25', trial], [during, 20]),
  ...many(count - converted, 'gives up', ['2024-01-25', trial], [during, 'cancelled']),
]

/** Ratios that calculators and glossaries work out with numbers. */
export const ratios: readonly WorkedExample[] = [
  {
    source: 'The Prime Calculator, SaaS quick ratio',
    says: '25,000 and 10,000 over 8,000 and 4,000 is 2.92, net 23,000',
    subscriptions: bookOf(100_000, { fresh: 25_000, expansion: 10_000, churned: 8_000, contraction: 4_000 }),
    metrics: { quick_ratio: 2.92, net_new_mrr: 23_000, opening_mrr: 100_000, mrr: 123_000 },
  },
  {
    source: 'Utiluno, SaaS quick ratio',
    says: '110,000 and 40,000 over 30,000 and 20,000 is 3',
    subscriptions: bookOf(500_000, { fresh: 110_000, expansion: 40_000, churned: 30_000, contraction: 20_000 }),
    metrics: { quick_ratio: 3, net_new_mrr: 100_000 },
  },
  {
    source: 'MetricKit, SaaS quick ratio',
    says: '12,000 and 8,000 over 3,000 and 5,000 is 2.5',
    subscriptions: bookOf(90_000, { fresh: 12_000, expansion: 8_000, contraction: 3_000, churned: 5_000 }),
    metrics: { quick_ratio: 2.5 },
  },
  {
    source: 'Stripe docs, Billing metric definitions: MRR growth (where the quick ratio of others has no reactivation)',
    says: 'what returns is gained: 10 new, 5 back, 5 expansion over 8 and 2 is 2',
    subscriptions: bookOf(100, { fresh: 10, back: 5, expansion: 5, churned: 8, contraction: 2 }),
    metrics: { quick_ratio: 2, net_new_mrr: 10, reactivation_mrr: 5, net_mrr_churn_rate: 0, new_customers: 1 },
  },
  {
    source: 'ChurnZero, Net revenue retention',
    says: '27,000 that gain 8,000 and lose 5,000 are 30,000: 111 %',
    subscriptions: bookOf(27_000, { expansion: 8_000, churned: 5_000 }),
    metrics: { nrr_30d: 111.11, grr_30d: 81.48 },
  },
  {
    source: 'MetricKit, NRR guide',
    says: '100,000 with 15,000 more, 5,000 less and 8,000 gone retain 102 %, 87 % gross',
    subscriptions: bookOf(100_000, { expansion: 15_000, contraction: 5_000, churned: 8_000, fresh: 40_000 }),
    metrics: { nrr_30d: 102, grr_30d: 87, net_mrr_churn_rate: -2, gross_mrr_churn_rate: 13 },
  },
  {
    source: 'dnoise, NRR',
    says: '200,000 less 6,000 and 4,000, plus 20,000, are 105 % over twelve months too',
    subscriptions: bookOf(200_000, { churned: 6_000, contraction: 4_000, expansion: 20_000 }, [
      '2023-01-10',
      '2023-09-10',
    ]),
    metrics: { nrr_12m: 105, grr_12m: 95, nrr_30d: 100, grr_30d: 100 },
  },
  {
    source: 'Superleap, Gross revenue retention',
    says: '100,000 less 6,000 and 8,000 keep 86 %, whatever the 8,000 of expansion',
    subscriptions: bookOf(100_000, { contraction: 6_000, churned: 8_000, expansion: 8_000 }),
    metrics: { grr_30d: 86, nrr_30d: 94 },
  },
  {
    source: 'Klipfolio, Gross MRR churn rate',
    says: '2,000 of 100,000 are 2 %',
    subscriptions: bookOf(100_000, { churned: 1_500, contraction: 500 }),
    metrics: { gross_mrr_churn_rate: 2 },
  },
  {
    source: 'Klipfolio, Net MRR churn rate, example A',
    says: '50,000 with 7,000 more and 10,000 less lose 6 %',
    subscriptions: bookOf(50_000, { expansion: 7_000, churned: 6_000, contraction: 4_000 }),
    metrics: { net_mrr_churn_rate: 6 },
  },
  {
    source: 'Klipfolio, Net MRR churn rate, example B',
    says: '100,000 with 12,000 more and 7,000 less lose -5 %',
    subscriptions: bookOf(100_000, { expansion: 12_000, churned: 7_000 }),
    metrics: { net_mrr_churn_rate: -5, nrr_30d: 105 },
  },
  {
    source: 'The Prime Calculator, Net MRR churn',
    says: '200,000 less 10,000 and 3,000, plus 15,000: -1 %',
    subscriptions: bookOf(200_000, { churned: 10_000, contraction: 3_000, expansion: 15_000 }),
    metrics: { net_mrr_churn_rate: -1, gross_mrr_churn_rate: 6.5, churned_mrr: 10_000, contraction_mrr: 3_000 },
  },
  {
    source: 'ChartMogul Help, Customer churn rate',
    says: 'of 100 customers 11 cancel, one of whom had joined in the month: 10 %',
    subscriptions: [
      ...many(90, 'stays', [before, 10]),
      ...many(10, 'leaves', [before, 10], [during, 'cancelled']),
      paying('comes and goes', ['2024-02-03', 10], ['2024-02-20', 'cancelled']),
    ],
    metrics: { churn_rate: 10, churned_customers: 10, opening_customers: 100, new_customers: 1, paying_customers: 90 },
  },
  {
    source:
      'Angel Investing School, Churn rate ((start - end) / start, which new customers hide; here the spec decides)',
    says: '10 of 100 leave while 10 come: 10 %, not 0',
    subscriptions: [
      ...many(90, 'stays', [before, 10]),
      ...many(10, 'leaves', [before, 10], [during, 'cancelled']),
      ...many(10, 'comes', [during, 10]),
    ],
    metrics: { churn_rate: 10, paying_customers: 100, net_new_mrr: 0 },
  },
  {
    source: 'MetricHQ, LTV:CAC',
    says: '500 at 75 % margin and 2.5 % churn are worth 15,000: 2.5 times a cost of 6,000, back after 16 months',
    subscriptions: [
      ...many(39, 'stays', [before, 500]),
      paying('leaves', [before, 500], [during, 'cancelled']),
      paying('comes', [during, 500]),
    ],
    spend: spent(6_000),
    config: { gross_margin: 0.75 },
    metrics: { arpu: 500, churn_rate: 2.5, ltv: 15_000, cac: 6_000, ltv_cac_ratio: 2.5, cac_payback_months: 16 },
  },
  {
    source: 'FounderCalc, ARPU (here one in ten)',
    says: '20,580 from 420 customers are 49 each',
    subscriptions: many(42, 'a', [before, 49]),
    metrics: { mrr: 2058, arpu: 49 },
  },
  {
    source: 'FeedGot, Average revenue per user (here one in ten)',
    says: '20,000 from 500 customers are 40 each, trials aside',
    subscriptions: [
      ...many(25, 'a', [before, 30]),
      ...many(25, 'b', [before, 50]),
      paying('t', [during, { ...trial, mrr: 90 }]),
    ],
    metrics: { mrr: 2000, arpu: 40, paying_customers: 50 },
  },
  {
    source: 'LostChurn, ARPU and ARPPU (here one in a thousand)',
    says: 'of 10,000 people 2,000 pay: revenue is per payer',
    subscriptions: [
      ...many(2, 'pays', [before, 250]),
      ...many(4, 'free', [before, { status: 'active', plan: 'free', mrr: 0 }]),
    ],
    bystanders: ['w', 'x', 'y', 'z'],
    metrics: { total_users: 10, paying_customers: 2, arpu: 250, active_subscriptions: 2 },
  },
  {
    source: 'ads.expert, Customer acquisition cost',
    says: '20,000 for 10 customers are 2,000 each',
    subscriptions: many(10, 'new', [during, 50]),
    spend: spent(20_000),
    metrics: { cac: 2000 },
  },
  {
    source: 'Exactius, Blended CAC (theirs counts who returns; here the spec decides)',
    says: 'who returns is not acquired: 200 for four who come and six who return are 50 each',
    subscriptions: [
      ...many(4, 'new', [during, 10]),
      ...many(6, 'back', ['2023-05-01', 10], ['2023-06-01', 'cancelled'], [during, 10]),
    ],
    spend: spent(200),
    metrics: { cac: 50, new_customers: 4, reactivated_customers: 6, new_mrr: 40, reactivation_mrr: 60 },
  },
  {
    source: 'Monetizely, Trial to paid conversion (of 1,000 sign-ups; here of 20 trials that ended)',
    says: '150 of 1,000 are 15 %',
    subscriptions: trials(20, 3),
    metrics: { trial_conversion_rate: 15, trials_ended: 20, new_customers: 3 },
  },
  {
    source: 'FreeOnlineCal, Trial-to-paid conversion rate (here one in twelve)',
    says: '156 of 1,200 are 13 %',
    subscriptions: trials(100, 13),
    metrics: { trial_conversion_rate: 13 },
  },
  {
    source: 'PayPro Global, SaaS trial conversion rate (here one in fifteen)',
    says: '30 of 150 are 20 %',
    subscriptions: trials(10, 2),
    metrics: { trial_conversion_rate: 20 },
  },
]
