import { before, during, many, paying, type WorkedExample } from './example.ts'

const chartMogulData = 'ChartMogul Help, Chart data'
const gross = 'ChartMogul Help, Gross MRR churn rate'

/** A book of 100 customers at `each`, of which some expand, shrink and leave, and new ones come. */
function book(
  each: number,
  change: { expansion?: number; contraction?: number; churned?: number; fresh?: number; back?: number },
) {
  const { expansion = 0, contraction = 0, churned = 0, fresh = 0, back = 0 } = change
  const lost = churned / each
  return [
    ...many(100 - Math.ceil(lost) - 2, 'stays', [before, each]),
    paying('grows', [before, each], [during, each + expansion]),
    // What shrinks pays enough to shrink by so much, what leaves exactly what is lost.
    paying('shrinks', [before, each], [during, each - contraction]),
    ...many(Math.ceil(lost), 'leaves', [before, each], [during, 'cancelled']),
    ...(fresh > 0 ? [paying('new', [during, fresh])] : []),
    ...(back > 0 ? [paying('returns', ['2023-06-01', back], ['2023-09-01', 'cancelled'], [during, back])] : []),
  ]
}

/** What moved MRR, and the ratios of it. */
export const movements: readonly WorkedExample[] = [
  {
    source: gross,
    says: 'of 100 lose 10 to churn and 10 to contraction while one grows by 10: 20 % gross',
    subscriptions: [
      paying('leaves', [before, 10], [during, 'cancelled']),
      paying('shrinks', [before, 40], [during, 30]),
      paying('grows', [before, 50], [during, 60]),
    ],
    metrics: { opening_mrr: 100, gross_mrr_churn_rate: 20, churned_mrr: 10, contraction_mrr: 10 },
  },
  {
    source: 'ChartMogul Help, Net MRR churn rate',
    says: 'and 10 % net',
    subscriptions: [
      paying('leaves', [before, 10], [during, 'cancelled']),
      paying('shrinks', [before, 40], [during, 30]),
      paying('grows', [before, 50], [during, 60]),
    ],
    metrics: { net_mrr_churn_rate: 10, expansion_mrr: 10, net_new_mrr: -10, mrr: 90 },
  },
  {
    source: chartMogulData,
    says: 'from a plan of 50 to one of 30 is a contraction of 20',
    subscriptions: [paying('a', [before, 50], [during, 30])],
    metrics: { contraction_mrr: 20, churned_mrr: 0, grr_30d: 60, nrr_30d: 60 },
  },
  {
    source: chartMogulData,
    says: 'a discount that expires is an expansion',
    subscriptions: [paying('a', [before, 40], [during, 50])],
    metrics: { expansion_mrr: 10, new_mrr: 0 },
  },
  {
    source: chartMogulData,
    says: 'a second subscription is an expansion',
    subscriptions: [paying('a', [before, 40]), { customer: 'a', name: 'second', log: [[during, 25]] }],
    metrics: { expansion_mrr: 25, new_mrr: 0, new_customers: 0, active_subscriptions: 2, paying_customers: 1 },
  },
  {
    source: 'Stripe Support, Calculating churn rate in Billing',
    says: 'of two subscriptions cancelled one after the other the first is a downgrade, the second churn',
    subscriptions: [
      paying('a', [before, 30], [during, 'cancelled']),
      {
        customer: 'a',
        name: 'second',
        log: [
          [before, 20],
          ['2024-02-20', 'cancelled'],
        ],
      },
    ],
    metrics: { contraction_mrr: 30, churned_mrr: 20, churned_customers: 1 },
  },
  {
    source: 'Stripe Support, Calculating churn rate in Billing',
    says: 'who cancels one of two has not churned',
    subscriptions: [
      paying('a', [before, 30], [during, 'cancelled']),
      { customer: 'a', name: 'b', log: [[before, 20]] },
    ],
    metrics: { churn_rate: 0, churned_customers: 0, contraction_mrr: 30 },
  },
  {
    source: 'Chargebee docs, Charts: cancellation MRR',
    says: '15 customers at 10 leave by will and ten for failed payments: 150 and 100',
    subscriptions: [
      ...many(15, 'will', [before, 10], [during, 'cancelled']),
      ...many(
        10,
        'card',
        [before, 10],
        [during, { status: 'past_due', plan: 'pro', mrr: 10 }],
        ['2024-02-20', 'cancelled'],
      ),
    ],
    metrics: { churned_mrr: 250, churned_customers: 25 },
  },
  {
    source: 'Llama Financial, Net revenue retention, real world case',
    says: '100 at 50; 25 come, 5 go up to 100, 2 down to 10, 5 leave',
    subscriptions: [
      ...many(88, 'stays', [before, 50]),
      ...many(5, 'grows', [before, 50], [during, 100]),
      ...many(2, 'shrinks', [before, 50], [during, 10]),
      ...many(5, 'leaves', [before, 50], [during, 'cancelled']),
      ...many(25, 'new', [during, 50]),
    ],
    metrics: {
      opening_mrr: 5000,
      new_mrr: 1250,
      expansion_mrr: 250,
      contraction_mrr: 80,
      churned_mrr: 250,
      mrr: 6170,
      net_new_mrr: 1170,
      new_customers: 25,
      churned_customers: 5,
    },
  },
  {
    source: 'mowt, MRR calculator',
    says: '50,000 and 8,000 new, 4,000 expansion, 1,000 back, 2,000 contraction, 3,000 churn end at 58,000 with a ratio of 2.6',
    subscriptions: book(500, { expansion: 40, contraction: 20, churned: 0, fresh: 80, back: 10 }).map((own) =>
      own.customer === 'stays 0' ? paying('stays 0', [before, 30], [during, 'cancelled']) : own,
    ),
    metrics: {
      new_mrr: 80,
      expansion_mrr: 40,
      reactivation_mrr: 10,
      contraction_mrr: 20,
      churned_mrr: 30,
      net_new_mrr: 80,
      quick_ratio: 2.6,
    },
  },
  {
    source: 'PitchKit glossary, Quick ratio',
    says: '20 new and 8 expansion over 5 churn and 3 contraction is 3.5',
    subscriptions: book(5, { expansion: 8, contraction: 3, churned: 5, fresh: 20 }),
    metrics: { quick_ratio: 3.5 },
  },
  {
    source: 'super-calc, SaaS quick ratio, example 1',
    says: '95 and 28 over 18 and 7 is 4.92, net 98',
    subscriptions: book(18, { expansion: 28, contraction: 7, churned: 18, fresh: 95 }),
    metrics: { quick_ratio: 4.92, net_new_mrr: 98 },
  },
  {
    source: 'super-calc, SaaS quick ratio, example 2',
    says: '40 and 5 over 32 and 8 is 1.13 (1.125, halves away from zero), net 5',
    subscriptions: book(32, { expansion: 5, contraction: 8, churned: 32, fresh: 40 }),
    metrics: { quick_ratio: 1.13, net_new_mrr: 5 },
  },
  {
    source: 'Baremetrics changelog, Quick ratio',
    says: 'without any loss there is no ratio',
    subscriptions: book(10, { fresh: 20 }),
    metrics: { quick_ratio: null, new_mrr: 20, gross_mrr_churn_rate: 0 },
  },
  {
    source: 'Chargebee docs, Expansion and contraction MRR',
    says: '2,000 that become 3,000 expanded by half',
    subscriptions: many(10, 'a', [before, 200], [during, 300]),
    metrics: { opening_mrr: 2000, mrr: 3000, expansion_mrr: 1000, nrr_30d: 150, grr_30d: 100, net_mrr_churn_rate: -50 },
  },
]
