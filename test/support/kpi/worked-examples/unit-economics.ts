import { before, during, many, paying, type Subscription, type WorkedExample } from './example.ts'

const window = { period_start: new Date('2024-01-31'), period_end: new Date('2024-03-01') }
const spent = (amount: number) => [{ ...window, amount, channel: 'all', category: 'marketing' }]

/** `count` customers at `price`, of which `lost` leave. */
const churning = (count: number, lost: number, price: number): Subscription[] => [
  ...many(count - lost, 'stays', [before, price]),
  ...many(lost, 'leaves', [before, price], [during, 'cancelled']),
]

/** What a customer is worth, costs and says. */
export const unitEconomics: readonly WorkedExample[] = [
  {
    source: 'ChartMogul Help, Customer lifetime value',
    says: 'an ARPA of 100 at 5 % churn is worth 2,000',
    subscriptions: churning(20, 1, 100),
    metrics: { arpu: 100, churn_rate: 5, ltv: 2000 },
  },
  {
    source: 'calculator.city, Subscription metrics, example scenario',
    says: '50 a month at 2 % churn are worth 2,500',
    subscriptions: churning(50, 1, 50),
    metrics: { churn_rate: 2, ltv: 2500 },
  },
  {
    source: 'a16z, 16 startup metrics',
    says: 'lifetime value is on contribution margin',
    subscriptions: churning(20, 1, 100),
    config: { gross_margin: 0.8 },
    metrics: { ltv: 1600 },
  },
  {
    source: "The users' own sample: 98,750 from 1,250 customers (here one in ten)",
    says: 'revenue is per payer, not per active user',
    subscriptions: [...many(100, 'pro', [before, 49]), ...many(25, 'enterprise', [before, 199])],
    metrics: { mrr: 9875, arpu: 79, paying_customers: 125 },
  },
  {
    source: 'Burwick Consulting, CAC and LTV',
    says: '20,000 for 100 new customers are 200 each',
    subscriptions: many(100, 'new', [during, 50]),
    spend: spent(20_000),
    metrics: { cac: 200, new_customers: 100, acquisition_spend: 20_000 },
  },
  {
    source: 'Growth Navigate, CAC vs LTV',
    says: '10,000 for 100 customers are 100 each',
    subscriptions: many(100, 'new', [during, 50]),
    spend: spent(10_000),
    metrics: { cac: 100 },
  },
  {
    source: 'callculator, Pre-seed payback',
    says: '600 at 120 a month and 80 % margin are back after 6.25 months',
    subscriptions: [paying('new', [during, 120])],
    spend: spent(600),
    config: { gross_margin: 0.8 },
    metrics: { cac: 600, cac_payback_months: 6.25 },
  },
  {
    source: 'PricingNest, CAC payback period',
    says: '1,200 at 200 and 80 % after 7.5',
    subscriptions: [paying('new', [during, 200])],
    spend: spent(1200),
    config: { gross_margin: 0.8 },
    metrics: { cac_payback_months: 7.5 },
  },
  {
    source: 'ScoutMyTool, CAC payback period',
    says: '200 at 50 and 75 % after 5.33',
    subscriptions: [paying('new', [during, 50])],
    spend: spent(200),
    config: { gross_margin: 0.75 },
    metrics: { cac_payback_months: 5.33 },
  },
  {
    source: 'CalcMastery, CAC payback with gross margin',
    says: '1,200 at 180 and 75 % after 8.89',
    subscriptions: [paying('new', [during, 180])],
    spend: spent(1200),
    config: { gross_margin: 0.75 },
    metrics: { cac_payback_months: 8.89 },
  },
  {
    source: 'Genie Goals glossary, LTV:CAC ratio',
    says: 'a lifetime value of 300 for 50 is a ratio of 6',
    // 30 a month at 10 % churn; one new customer for 50.
    subscriptions: [...churning(10, 1, 30), paying('new', [during, 30])],
    spend: spent(50),
    metrics: { ltv: 300, cac: 50, ltv_cac_ratio: 6 },
  },
  {
    source: 'a16z, 16 startup metrics',
    says: 'without new customers the cost of one is unknown',
    subscriptions: many(2, 'stays', [before, 10]),
    spend: spent(500),
    metrics: { cac: null, acquisition_spend: 500, ltv_cac_ratio: null, cac_payback_months: null },
  },
  {
    source: 'ChartMogul Help, Customer lifetime value',
    says: 'there is no lifetime value without churn',
    subscriptions: many(2, 'stays', [before, 10]),
    metrics: { churn_rate: 0, ltv: null },
  },
  {
    source: 'DELA annual report, Net promoter score',
    says: '30 % promoters and 20 % detractors are +10',
    scores: [9, 10, 9, 7, 8, 7, 8, 8, 0, 6],
    metrics: { nps: 10, nps_respondents: 10 },
  },
  {
    source: 'Bain, Measuring your Net Promoter Score',
    says: '7 and 8 are passive',
    scores: [7, 8],
    metrics: { nps: 0, nps_respondents: 2 },
  },
  {
    source: 'Amplitude docs, Stickiness and active users',
    says: 'two of four monthly users came on the last day, three in the last week',
    activity: [
      ['a', '2024-02-29'],
      ['a', '2024-02-02'],
      ['b', '2024-02-29T23:59:59.999Z'],
      ['c', '2024-02-23T00:00:00.000Z'],
      ['d', '2024-01-31T00:00:00.000Z'],
      ['e', '2024-01-30T23:59:59.999Z'],
      ['f', '2024-03-01T00:00:00.000Z'],
    ],
    metrics: { dau: 2, wau: 3, mau: 4, active_users: 4, stickiness: 50, total_users: 6 },
  },
]
