import { roundToHundredths } from '../../domain/exact/fraction.ts'
import { dayMs, type Instant, isMidnight, openEnd } from '../../domain/instant.ts'
import { sumSpend } from '../../domain/kpi/cac.ts'
import { customerSegments, mrrAsOf } from '../../domain/kpi/customer-segments.ts'
import { isCurrent, type SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'
import { compareMoney, isPositive, type Money, moneyFraction } from '../../domain/money.ts'
import type { Context } from '../../runtime/context.ts'
import { matchActivity } from './activity-pipeline.ts'
import { earliestDate } from './broken-dates.ts'
import { collectionOf, rawCollectionOf, readAll, readGroups } from './database.ts'
import { readExpiredDays } from './expired-days.ts'
import { explainCohorts, explainUsage } from './explain-cohorts.ts'
import { readConfig } from './read-config.ts'
import { byCustomer, readAllSegments } from './read-segments.ts'
import { countCreated, countDeleted, readTestUsers } from './read-users.ts'
import { keyOf, toCurrency, toDecimal, toInstant } from './values.ts'
import { windowOf } from './window.ts'

export type ExplainedRow = Readonly<Record<string, unknown>>

type Topic =
  | 'subscriptions'
  | 'trialing'
  | 'past_due'
  | 'churn'
  | 'movements'
  | 'nrr30'
  | 'nrr12'
  | 'trials'
  | 'spend'
  | 'answers'
  | 'activity'
  | 'users'
  | 'cohorts'
  | 'usage'
  | 'none'

/** Which rows make a metric, and which other metrics it is computed from. */
const topics: Readonly<
  Record<string, { topic: Topic; components?: readonly string[]; days?: number; kinds?: readonly string[] }>
> = {
  total_users: { topic: 'users' },
  active_users: { topic: 'activity', days: 30 },
  dau: { topic: 'activity', days: 1 },
  wau: { topic: 'activity', days: 7 },
  mau: { topic: 'activity', days: 30 },
  stickiness: { topic: 'activity', days: 30, components: ['dau', 'mau'] },
  stickiness_avg: { topic: 'activity', days: 30, components: ['mau'] },
  active_subscriptions: { topic: 'subscriptions' },
  mrr: { topic: 'subscriptions' },
  arr: { topic: 'subscriptions', components: ['mrr'] },
  arpu: { topic: 'subscriptions', components: ['mrr', 'paying_customers'] },
  mrr_per_mau: { topic: 'subscriptions', components: ['mrr', 'mau'] },
  paying_customers: { topic: 'subscriptions' },
  past_due_subscriptions: { topic: 'past_due' },
  trialing_subscriptions: { topic: 'trialing' },
  churn_rate: { topic: 'churn', components: ['churned_customers', 'opening_customers'] },
  churned_customers: { topic: 'churn', components: ['opening_customers'] },
  opening_customers: { topic: 'churn' },
  opening_mrr: { topic: 'churn' },
  ltv: { topic: 'churn', components: ['arpu', 'churn_rate', 'churned_customers', 'opening_customers'] },
  cac: { topic: 'spend', components: ['acquisition_spend', 'new_customers'] },
  acquisition_spend: { topic: 'spend' },
  ltv_cac_ratio: {
    topic: 'spend',
    components: ['ltv', 'arpu', 'churn_rate', 'cac', 'acquisition_spend', 'new_customers'],
  },
  cac_payback_months: { topic: 'movements', kinds: ['new'], components: ['cac', 'new_mrr', 'new_customers'] },
  cohort_retention: { topic: 'cohorts' },
  usage_retention: { topic: 'usage' },
  nps: { topic: 'answers', components: ['nps_respondents'] },
  nps_respondents: { topic: 'answers' },
  new_mrr: { topic: 'movements', kinds: ['new'] },
  new_customers: { topic: 'movements', kinds: ['new'] },
  expansion_mrr: { topic: 'movements', kinds: ['expansion'] },
  reactivation_mrr: { topic: 'movements', kinds: ['reactivation'] },
  reactivated_customers: { topic: 'movements', kinds: ['reactivation'] },
  contraction_mrr: { topic: 'movements', kinds: ['contraction'] },
  churned_mrr: { topic: 'movements', kinds: ['churned'] },
  net_new_mrr: {
    topic: 'movements',
    components: ['new_mrr', 'expansion_mrr', 'reactivation_mrr', 'contraction_mrr', 'churned_mrr'],
  },
  gross_mrr_churn_rate: {
    topic: 'movements',
    kinds: ['churned', 'contraction'],
    components: ['churned_mrr', 'contraction_mrr', 'opening_mrr'],
  },
  net_mrr_churn_rate: {
    topic: 'movements',
    kinds: ['churned', 'contraction', 'expansion', 'reactivation'],
    components: ['churned_mrr', 'contraction_mrr', 'expansion_mrr', 'reactivation_mrr', 'opening_mrr'],
  },
  quick_ratio: {
    topic: 'movements',
    components: ['new_mrr', 'expansion_mrr', 'reactivation_mrr', 'contraction_mrr', 'churned_mrr'],
  },
  nrr_30d: { topic: 'nrr30' },
  grr_30d: { topic: 'nrr30' },
  nrr_12m: { topic: 'nrr12' },
  grr_12m: { topic: 'nrr12' },
  trial_conversion_rate: { topic: 'trials', components: ['trials_converted', 'trials_ended'] },
  trials_ended: { topic: 'trials' },
  trials_converted: { topic: 'trials' },
}

/** The raw rows behind one metric, in a stable order. */
export async function explainRows(
  context: Context,
  metric: string,
  asOf: Instant,
  windowFrom: Instant,
): Promise<{ rows: ExplainedRow[]; components: readonly string[]; expired: Instant[] }> {
  const { topic, components = [], days = 30, kinds } = topics[metric] ?? { topic: 'none' as const }
  const rows = await rowsOf(context, topic, asOf, windowFrom, days, kinds)
  const reads = { activity: asOf - days * dayMs, usage: earliestDate.getTime() }
  const from = topic === 'activity' || topic === 'usage' ? reads[topic] : asOf
  const expired = await readExpiredDays(context, from, asOf)
  return { rows, components, expired: [...expired].sort((a, b) => a - b) }
}

async function rowsOf(
  context: Context,
  topic: Topic,
  asOf: Instant,
  windowFrom: Instant,
  days: number,
  kinds: readonly string[] | undefined,
): Promise<ExplainedRow[]> {
  switch (topic) {
    case 'none':
      return []
    case 'cohorts':
      return inOrder(await explainCohorts(context, asOf))
    case 'usage':
      return inOrder(await explainUsage(context, asOf))
    case 'users':
      return explainUsers(context, asOf)
    case 'activity':
      return explainActivity(context, asOf, days)
    case 'spend':
      return explainSpend(context, windowFrom, asOf)
    case 'answers':
      return explainAnswers(context, asOf)
    default:
      return explainSegments(context, topic, asOf, windowFrom, kinds)
  }
}

const amount = (money: Money): number => roundToHundredths(moneyFraction(money))

async function explainSegments(
  context: Context,
  topic: Topic,
  asOf: Instant,
  windowFrom: Instant,
  kinds: readonly string[] | undefined,
): Promise<ExplainedRow[]> {
  const { config } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const read = await readAllSegments(context, config)
  const segments = read.segments.filter((segment) => !testUsers.keys.has(segment.customer))
  const id = (key: string): unknown => read.ids.get(key) ?? key
  const window = windowOf(asOf, windowFrom)
  const rows: { key: string; row: ExplainedRow }[] = []
  const add = (key: string, row: ExplainedRow): void => {
    rows.push({ key, row })
  }
  const addSubscription = (segment: SubscriptionSegment): void =>
    add(segment.subscription, {
      subscription_id: id(segment.subscription),
      user_id: id(segment.customer),
      status: segment.status,
      since: new Date(segment.from),
      until: segment.to === openEnd ? null : new Date(segment.to),
      mrr: amount(segment.value),
      history: segment.history,
    })
  if (topic === 'subscriptions' || topic === 'past_due' || topic === 'trialing') {
    for (const segment of segments) {
      if (!isCurrent(segment, asOf)) continue
      const paying = isPositive(segment.value)
      if (topic === 'trialing' ? !paying && segment.status === 'trialing' : paying)
        if (topic !== 'past_due' || segment.status === 'past_due') addSubscription(segment)
    }
  } else if (topic === 'trials') {
    for (const segment of segments) {
      const { status, to, next } = segment
      if (status !== 'trialing' || to < windowFrom || to >= asOf || next?.status === 'trialing') continue
      add(segment.subscription, {
        subscription_id: id(segment.subscription),
        user_id: id(segment.customer),
        ended_at: new Date(to),
        became: next?.status ?? 'ended',
        converted: next?.status === 'active' && next.paying,
      })
    }
  } else {
    const extra = [windowFrom, asOf].filter((instant) => !isMidnight(instant))
    for (const [customer, own] of byCustomer(segments)) {
      const closing = mrrAsOf(own, asOf)
      const opening = mrrAsOf(
        own,
        topic === 'nrr30' ? window.days30Ago : topic === 'nrr12' ? window.months12Ago : windowFrom,
      )
      if (topic === 'churn' && isPositive(opening))
        add(customer, { user_id: id(customer), opening_mrr: amount(opening), churned: !isPositive(closing) })
      if ((topic === 'nrr30' || topic === 'nrr12') && isPositive(opening))
        add(customer, {
          user_id: id(customer),
          opening_mrr: amount(opening),
          mrr: amount(closing),
          kept_mrr: amount(compareMoney(opening, closing) < 0 ? opening : closing),
        })
      if (topic !== 'movements') continue
      for (const segment of customerSegments(own, extra)) {
        if (segment.from <= windowFrom || segment.from > asOf || segment.movement === 'none') continue
        if (kinds !== undefined && !kinds.includes(segment.movement)) continue
        add(`${segment.from} ${customer}`, {
          user_id: id(customer),
          movement: segment.movement,
          day: new Date(Math.floor((segment.from - 1) / dayMs) * dayMs),
          before: amount(segment.previous),
          after: amount(segment.mrr),
        })
      }
    }
  }
  return inOrder(rows)
}

function inOrder(rows: readonly { key: string; row: ExplainedRow }[]): ExplainedRow[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ row }) => row)
}

async function explainUsers(context: Context, asOf: Instant): Promise<ExplainedRow[]> {
  const testUsers = await readTestUsers(context)
  return [
    { created_before: await countCreated(context, asOf) },
    { deleted_before: await countDeleted(context, asOf) },
    {
      test_accounts: testUsers.users.filter(
        ({ createdAt, deletedAt }) =>
          createdAt !== null && createdAt < asOf && (deletedAt === null || deletedAt >= asOf),
      ).length,
    },
  ]
}

async function explainActivity(context: Context, asOf: Instant, days: number): Promise<ExplainedRow[]> {
  const { config } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
    ...matchActivity(asOf - days * dayMs, asOf, config, testUsers.ids),
    { $group: { _id: '$user_id', events: { $sum: 1 }, last: { $max: '$timestamp' } } },
  ])
  const rows = groups.map(({ _id, events, last }) => ({
    key: keyOf(_id) ?? '',
    row: { user_id: _id, events, last_event: last },
  }))
  const known = new Set(rows.map(({ key }) => key))
  return inOrder([...rows, ...(await explainExpired(context, asOf, days, known, testUsers.keys))])
}

/** The people whose events have expired, by what the rollup keeps of them. */
async function explainExpired(
  context: Context,
  asOf: Instant,
  days: number,
  known: ReadonlySet<string>,
  testUsers: ReadonlySet<string>,
): Promise<{ key: string; row: ExplainedRow }[]> {
  const expired = await readExpiredDays(context, asOf - days * dayMs, asOf - dayMs + 1)
  if (expired.size === 0) return []
  const groups = await readGroups(collectionOf(context, 'user_activity_daily'), [
    { $match: { d: { $in: [...expired].map((day) => new Date(day)) } } },
    { $group: { _id: '$u', events: { $sum: '$n' }, last: { $max: '$d' } } },
  ])
  return groups.flatMap(({ _id, events, last }) => {
    const key = keyOf(_id) ?? ''
    if (known.has(key) || testUsers.has(key)) return []
    return { key, row: { user_id: _id, events, last_day: last, raw_events: 'expired' } }
  })
}

async function explainSpend(context: Context, from: Instant, to: Instant): Promise<ExplainedRow[]> {
  const { config } = await readConfig(context)
  const documents = await readAll(
    rawCollectionOf(context, 'marketing_spend'),
    { period_end: { $gt: new Date(from) }, period_start: { $lt: new Date(to) } },
    { _id: 1, period_start: 1, period_end: 1, amount: 1, currency: 1, fx_rate: 1, channel: 1, category: 1 },
  )
  return inOrder(
    documents.map((document) => {
      const rate = toDecimal(document.fx_rate)
      const spend = sumSpend(
        [
          {
            periodStart: toInstant(document.period_start),
            periodEnd: toInstant(document.period_end),
            amount: toDecimal(document.amount),
            currency: toCurrency(document.currency),
            fxRate: rate === 'invalid' ? null : rate,
          },
        ],
        from,
        to,
        config,
      )
      const counted = spend.total === null ? null : roundToHundredths(spend.total)
      return { key: keyOf(document._id) ?? '', row: { ...document, counted } }
    }),
  )
}

async function explainAnswers(context: Context, asOf: Instant): Promise<ExplainedRow[]> {
  const { config } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const from = new Date(asOf - config.npsWindowDays * dayMs)
  const documents = await readAll(
    rawCollectionOf(context, 'nps_responses'),
    { responded_at: { $gte: from, $lt: new Date(asOf) } },
    { _id: 1, user_id: 1, score: 1, responded_at: 1 },
  )
  const valid = documents.filter((document) => {
    if (toInstant(document.responded_at) === null) return false
    const score = Number(toDecimal(document.score) ?? Number.NaN)
    const user = keyOf(document.user_id)
    return Number.isInteger(score) && score >= 0 && score <= 10 && (user === null || !testUsers.keys.has(user))
  })
  const latest = new Map<string, ExplainedRow>()
  const rows: { key: string; row: ExplainedRow }[] = []
  for (const document of valid) {
    const user = keyOf(document.user_id)
    const score = Number(toDecimal(document.score))
    const row = {
      user_id: document.user_id ?? null,
      score: document.score,
      counts_as: score >= 9 ? 'promoter' : score <= 6 ? 'detractor' : 'passive',
      responded_at: document.responded_at,
    }
    if (user === null) rows.push({ key: `- ${keyOf(document._id)}`, row })
    else {
      const known = latest.get(user)
      const [at, knownAt] = [toInstant(document.responded_at) ?? 0, toInstant(known?.responded_at) ?? -1]
      if (at > knownAt || (at === knownAt && Number(document.score) < Number(known?.score))) latest.set(user, row)
    }
  }
  for (const [key, row] of latest) rows.push({ key, row })
  return inOrder(rows)
}
