import type { ObjectId } from 'mongodb'
import { dayMs } from './calendar.ts'
import type { Random } from './random.ts'
import { type DemoScale, historyDays, plans } from './scale.ts'
import { type DemoUser, demoId, growingInstant } from './users.ts'

type Plan = keyof typeof plans
type Status = 'active' | 'cancelled' | 'past_due' | 'trialing'
type BillingCycle = 'monthly' | 'yearly'

export interface DemoSubscription {
  _id: ObjectId
  user_id: ObjectId
  plan: Plan
  status: Status
  mrr: number
  arr: number
  amount: number
  currency: 'USD'
  start_date: Date
  end_date: Date | null
  billing_cycle: BillingCycle
  payment_provider: 'stripe'
  payment_provider_id: string
  created_at: Date
  updated_at: Date
}

/** One row of the change log: the full state after the change. */
export interface DemoSubscriptionEvent {
  _id: ObjectId
  subscription_id: ObjectId
  user_id: ObjectId
  effective_at: Date
  recorded_at: Date
  seq: number
  status: Status
  plan: Plan
  billing_cycle: BillingCycle
  mrr: number
  amount: number
  currency: 'USD'
  end_date: null
  source: 'demo'
}

interface Step {
  readonly at: Date
  readonly status: Status
  readonly plan: Plan
}

const trialDays = 14
const windowDays = 30

/** Builds subscriptions whose log ends in exactly the customers that `scale` asks for. */
export function generateSubscriptions(
  scale: DemoScale,
  users: readonly DemoUser[],
  today: Date,
  random: Random,
): { subscriptions: DemoSubscription[]; events: DemoSubscriptionEvent[] } {
  const daysAgo = (days: number): Date => new Date(today.getTime() - days * dayMs)
  const windowOpens = daysAgo(windowDays)
  const subscriptions: DemoSubscription[] = []
  const events: DemoSubscriptionEvent[] = []
  // Each person once, so that customers and subscriptions are the same number.
  const candidates = random.shuffle([...users])

  const takeUser = (createdBefore: Date): DemoUser => {
    const index = candidates.findIndex((user) => user.created_at < createdBefore)
    const [user] = candidates.splice(Math.max(index, 0), 1)
    if (user === undefined) throw new RangeError('the demo has more subscriptions than users')
    if (user.created_at >= createdBefore) user.created_at = new Date(createdBefore.getTime() - dayMs / 2)
    return user
  }

  const record = (steps: readonly Step[], cycle: BillingCycle): void => {
    const first = steps[0]!
    const last = steps[steps.length - 1]!
    const user = takeUser(first.at)
    const _id = demoId(2, subscriptions.length, first.at)
    const amountOf = (plan: Plan): number => plans[plan] * (cycle === 'yearly' ? 12 : 1)
    for (const step of steps)
      events.push({
        _id: demoId(3, events.length, step.at),
        subscription_id: _id,
        user_id: user._id,
        effective_at: step.at,
        recorded_at: step.at,
        seq: 0,
        status: step.status,
        plan: step.plan,
        billing_cycle: cycle,
        mrr: plans[step.plan],
        amount: amountOf(step.plan),
        currency: 'USD',
        end_date: null,
        source: 'demo',
      })
    subscriptions.push({
      _id,
      user_id: user._id,
      plan: last.plan,
      status: last.status,
      mrr: plans[last.plan],
      arr: plans[last.plan] * 12,
      amount: amountOf(last.plan),
      currency: 'USD',
      start_date: first.at,
      end_date: last.status === 'cancelled' ? last.at : null,
      billing_cycle: cycle,
      payment_provider: 'stripe',
      payment_provider_id: `sub_demo${subscriptions.length.toString().padStart(6, '0')}`,
      created_at: first.at,
      updated_at: last.at,
    })
  }

  const between = (from: Date, to: Date): Date =>
    new Date(from.getTime() + Math.floor(random.next() * (to.getTime() - from.getTime() - 1)) + 1)
  const cycle = (): BillingCycle => (random.chance(0.3) ? 'yearly' : 'monthly')

  /** A trial before the first payment for most; the payment itself at `paidAt`. */
  const opening = (paidAt: Date, plan: Plan): Step[] => {
    const trialFrom = new Date(paidAt.getTime() - trialDays * dayMs)
    const hadTrial = random.chance(0.6) && trialFrom.getTime() > daysAgo(historyDays).getTime()
    const steps: Step[] = hadTrial ? [{ at: trialFrom, status: 'trialing', plan }] : []
    steps.push({ at: paidAt, status: 'active', plan })
    return steps
  }

  /** Steps between the first payment and `until` that leave the customer paying on `plan`. */
  const staying = (paidAt: Date, until: Date, plan: Plan): Step[] => {
    const steps: Step[] = []
    const room = until.getTime() - paidAt.getTime()
    if (room < 90 * dayMs) return steps
    if (random.chance(0.06)) {
      const left = between(new Date(paidAt.getTime() + 20 * dayMs), new Date(paidAt.getTime() + room / 2))
      const back = between(new Date(left.getTime() + 5 * dayMs), new Date(paidAt.getTime() + room * 0.8))
      if (back > left) steps.push({ at: left, status: 'cancelled', plan }, { at: back, status: 'active', plan })
    } else if (random.chance(0.1)) {
      const failed = between(new Date(paidAt.getTime() + 30 * dayMs), new Date(paidAt.getTime() + room * 0.7))
      const paid = new Date(failed.getTime() + random.integer(1, 9) * dayMs)
      steps.push({ at: failed, status: 'past_due', plan }, { at: paid, status: 'active', plan })
    }
    return steps
  }

  const total = scale.proCustomers + scale.enterpriseCustomers
  const survivors = scale.openingCustomers - scale.churnedCustomers
  const closingPlans: Plan[] = random.shuffle(
    Array.from({ length: total }, (_, index): Plan => (index < scale.proCustomers ? 'pro' : 'enterprise')),
  )
  for (const [index, plan] of closingPlans.entries()) {
    if (index >= survivors) {
      record(opening(between(windowOpens, today), plan), cycle())
      continue
    }
    const paidAt = growingInstant(random, today, historyDays - trialDays - 1, windowDays)
    const began: Plan = plan === 'enterprise' && random.chance(0.5) ? 'pro' : plan
    const steps = [...opening(paidAt, began), ...staying(paidAt, windowOpens, began)]
    const lastAt = steps[steps.length - 1]!.at
    // An upgrade may fall into the last 30 days: the customer paid before it and pays after it.
    if (began !== plan) steps.push({ at: between(lastAt, new Date(today.getTime() - 1000)), status: 'active', plan })
    else if (random.chance(0.02)) steps.push({ at: between(windowOpens, today), status: 'past_due', plan })
    record(steps, cycle())
  }
  const somePlan = (): Plan => (random.chance(0.15) ? 'enterprise' : 'pro')
  for (let index = 0; index < scale.churnedCustomers; index++) {
    const plan = somePlan()
    const steps = opening(growingInstant(random, today, historyDays - trialDays - 1, windowDays), plan)
    steps.push({ at: between(windowOpens, today), status: 'cancelled', plan })
    record(steps, cycle())
  }
  for (let index = 0; index < scale.formerCustomers; index++) {
    const plan = somePlan()
    const paidAt = growingInstant(random, today, historyDays - trialDays - 1, windowDays + 3)
    record([...opening(paidAt, plan), { at: between(paidAt, windowOpens), status: 'cancelled', plan }], cycle())
  }
  for (let index = 0; index < scale.failedTrials; index++) {
    const plan = somePlan()
    const from = growingInstant(random, today, historyDays, 0)
    const until = new Date(from.getTime() + trialDays * dayMs)
    const steps: Step[] = [{ at: from, status: 'trialing', plan }]
    if (until < today) steps.push({ at: until, status: 'cancelled', plan })
    record(steps, 'monthly')
  }
  return { subscriptions, events }
}
