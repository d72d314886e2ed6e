export type KpiUnit = 'count' | 'money' | 'percent' | 'ratio' | 'months' | 'score' | 'table'

/** One metric as data, so that a dashboard can show the definition beside the number. */
export interface KpiDefinition {
  /** Key in `metrics`. */
  readonly name: string
  readonly title: string
  /** Money: major units of the reporting currency; percent: 0-100; score: -100..100. */
  readonly unit: KpiUnit
  readonly definition: string
  /** What stands there when there is nothing to measure. */
  readonly zero_case: string
  readonly source: string
  /** False for tables: they are computed on request and not part of stored snapshots. */
  readonly stored: boolean
}

function define(
  name: string,
  title: string,
  unit: KpiUnit,
  definition: string,
  zero_case: string,
  source: string,
): KpiDefinition {
  return { name, title, unit, definition, zero_case, source, stored: unit !== 'table' }
}

const own = 'atlas-edge'
const activeUser =
  'Distinct non-null, non-test user ids with an event of a type outside the list of inactive types, in the'

/** Every metric of a snapshot. T is the snapshot date: what happened before T counts, what happens at T does not. */
export const kpiDefinitions: readonly KpiDefinition[] = [
  define(
    'total_users',
    'Registered users',
    'count',
    'Users created before T, without test accounts and without those deleted before T.',
    '0',
    own,
  ),
  define('active_users', 'Active users', 'count', 'Equals mau.', '0', own),
  define(
    'dau',
    'Daily active users',
    'count',
    `${activeUser} 24 h before T.`,
    '0',
    'Amplitude: active events, some types marked inactive',
  ),
  define('wau', 'Weekly active users', 'count', `${activeUser} 7 days before T.`, '0', 'Amplitude'),
  define(
    'mau',
    'Monthly active users',
    'count',
    `${activeUser} 30 days before T.`,
    '0',
    'Cube, Countly, Braze, Mapp: rolling 30 days',
  ),
  define(
    'active_subscriptions',
    'Active subscriptions',
    'count',
    'Subscriptions that contribute to MRR as of T: active or past due, on a paid plan, with MRR above 0.',
    '0',
    'Stripe, Billing metric definitions',
  ),
  define(
    'mrr',
    'Monthly recurring revenue',
    'money',
    'Sum of the monthly value of the active subscriptions as of T: yearly prices over 12, net of recurring discounts, without trials, free plans, taxes, metered usage and one-off fees.',
    '0',
    'Stripe, Billing metric definitions',
  ),
  define('arr', 'Annual recurring revenue', 'money', '12 times the unrounded MRR.', '0', own),
  define(
    'arpu',
    'Average revenue per paying customer',
    'money',
    'MRR over the customers who pay as of T.',
    'null without a paying customer',
    'ChartMogul (ARPA), Baremetrics, Stripe',
  ),
  define(
    'churn_rate',
    'Customer churn',
    'percent',
    'Customers who paid at the start of the window and do not pay as of T, over the customers who paid at its start. The window is the 30 days before T unless another start is given.',
    'null when nobody paid at the start',
    'ChartMogul, Churn rate formulas',
  ),
  define(
    'ltv',
    'Customer lifetime value',
    'money',
    'ARPU times the gross margin over the churn rate.',
    'null when ARPU or churn is unknown, or churn is 0',
    'Stripe, ChartMogul, Baremetrics; on margin: a16z',
  ),
  define(
    'cac',
    'Customer acquisition cost',
    'money',
    'Sales and marketing spend of the window, prorated by overlapping time, over its new customers.',
    'null without spend data or without a new customer; 0 when the spend is 0',
    'a16z, 16 Startup Metrics (blended)',
  ),
  define(
    'nps',
    'Net promoter score',
    'score',
    'Percentage of respondents with 9 or 10 minus percentage with 0 to 6: the latest answer of each user in the last 90 days, anonymous answers one each.',
    'null without a respondent',
    'Bain, Measuring Your Net Promoter Score',
  ),
  define('stickiness', 'Stickiness', 'percent', '100 times dau over mau.', 'null when mau is 0', own),
  define(
    'stickiness_avg',
    'Average stickiness',
    'percent',
    'Mean of the 30 daily active user numbers ending at T, over mau; without the effect of the weekday.',
    'null when mau is 0',
    own,
  ),
  define(
    'new_mrr',
    'New MRR',
    'money',
    'MRR of customers on the day whose closing first shows them paying; customers are compared per UTC day.',
    '0',
    'ChartMogul, Stripe, ProfitWell',
  ),
  define(
    'expansion_mrr',
    'Expansion MRR',
    'money',
    'Increase of customers who paid before and after, per customer and day.',
    '0',
    'ChartMogul, Stripe, ProfitWell',
  ),
  define(
    'reactivation_mrr',
    'Reactivation MRR',
    'money',
    'MRR of customers who return after a day without paying.',
    '0',
    'ChartMogul, Stripe, ProfitWell',
  ),
  define(
    'contraction_mrr',
    'Contraction MRR',
    'money',
    'Decrease of customers who paid before and after, as a positive number.',
    '0',
    'ChartMogul, Stripe, ProfitWell',
  ),
  define(
    'churned_mrr',
    'Churned MRR',
    'money',
    'Former MRR of customers who stopped paying, as a positive number.',
    '0',
    'ChartMogul, Stripe, ProfitWell',
  ),
  define(
    'net_new_mrr',
    'Net new MRR',
    'money',
    'New + expansion + reactivation - contraction - churned: the difference between MRR at the start of the window and at T.',
    '0',
    own,
  ),
  define(
    'gross_mrr_churn_rate',
    'Gross MRR churn',
    'percent',
    'Churned and contraction MRR of the window over the MRR at its start.',
    'null when that MRR is 0',
    'ChartMogul, Gross and Net MRR Churn Rate',
  ),
  define(
    'net_mrr_churn_rate',
    'Net MRR churn',
    'percent',
    'Churned and contraction minus expansion and reactivation MRR of the window, over the MRR at its start; negative is good.',
    'null when that MRR is 0',
    'ChartMogul, Gross and Net MRR Churn Rate',
  ),
  define(
    'nrr_30d',
    'Net revenue retention, 30 days',
    'percent',
    'MRR as of T of the customers who paid 30 days before, over their MRR then.',
    'null when that MRR is 0',
    'SaaS Metrics Standards Board',
  ),
  define(
    'nrr_12m',
    'Net revenue retention, 12 months',
    'percent',
    'MRR as of T of the customers who paid 12 calendar months before, over their MRR then.',
    'null when that MRR is 0',
    'SaaS Metrics Standards Board',
  ),
  define(
    'grr_30d',
    'Gross revenue retention, 30 days',
    'percent',
    'As net revenue retention, each customer counted at most at their MRR of 30 days before.',
    'null when that MRR is 0',
    'SaaS Metrics Standards Board',
  ),
  define(
    'grr_12m',
    'Gross revenue retention, 12 months',
    'percent',
    'As net revenue retention, each customer counted at most at their MRR of 12 months before.',
    'null when that MRR is 0',
    'SaaS Metrics Standards Board',
  ),
  define(
    'quick_ratio',
    'Quick ratio',
    'ratio',
    'New + expansion + reactivation MRR over churned + contraction MRR.',
    'null without losses',
    'Mamoon Hamid; Baremetrics',
  ),
  define(
    'trial_conversion_rate',
    'Trial conversion',
    'percent',
    'Trials that ended in the window by becoming active with MRR above 0, over all trials that ended in it.',
    'null when no trial ended',
    'Stripe, Calculating trial conversion rate in Billing',
  ),
  define('ltv_cac_ratio', 'LTV to CAC', 'ratio', 'LTV over CAC.', 'null when CAC is unknown or 0', own),
  define(
    'cac_payback_months',
    'CAC payback',
    'months',
    'CAC over the monthly margin of an average new customer.',
    'null when CAC is unknown',
    own,
  ),
  define('mrr_per_mau', 'MRR per active user', 'money', 'MRR over mau.', 'null when mau is 0', own),
  define('paying_customers', 'Paying customers', 'count', 'Users whose MRR is above 0 as of T.', '0', own),
  define('past_due_subscriptions', 'Past due', 'count', 'Active subscriptions whose payment is overdue.', '0', own),
  define('trialing_subscriptions', 'Running trials', 'count', 'Subscriptions in a trial as of T.', '0', own),
  define(
    'new_customers',
    'New customers',
    'count',
    'Customers who first paid in the window; returning ones, trials and free sign-ups are not.',
    '0',
    own,
  ),
  define('reactivated_customers', 'Returned customers', 'count', 'Reactivations in the window.', '0', own),
  define(
    'churned_customers',
    'Churned customers',
    'count',
    'Customers who paid at the start of the window and do not pay as of T: the numerator of churn_rate.',
    '0',
    own,
  ),
  define(
    'opening_customers',
    'Customers at the start',
    'count',
    'Customers who paid at the start of the window: the denominator of churn_rate.',
    '0',
    own,
  ),
  define('opening_mrr', 'MRR at the start', 'money', 'MRR as of the start of the window.', '0', own),
  define('trials_ended', 'Trials ended', 'count', 'Trials that ended in the window.', '0', own),
  define('trials_converted', 'Trials converted', 'count', 'Those of them that became paying.', '0', own),
  define('nps_respondents', 'NPS respondents', 'count', 'Answers behind nps.', '0', own),
  define(
    'acquisition_spend',
    'Acquisition spend',
    'money',
    'Sales and marketing spend of the window.',
    'null without spend data',
    own,
  ),
  define(
    'cohort_retention',
    'Cohort retention',
    'table',
    'By the month of the first payment: the share of customers who pay, and of their first MRR, at the close of each month since.',
    '[]',
    'Stripe, Subscriber cohorts and cohort retention',
  ),
  define(
    'usage_retention',
    'Usage retention',
    'table',
    'By the month of first activity: the share of people active at least once in each month since.',
    '[]',
    own,
  ),
]
