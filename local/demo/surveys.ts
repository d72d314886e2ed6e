import type { ObjectId } from 'mongodb'
import { dayMs } from './calendar.ts'
import type { Random } from './random.ts'
import { type DemoScale, historyDays } from './scale.ts'
import { type DemoUser, demoId } from './users.ts'

export interface DemoNpsResponse {
  _id: ObjectId
  user_id: ObjectId
  score: number
  responded_at: Date
  survey_id: string
  channel: 'in_app' | 'email'
}

export interface DemoSpend {
  _id: ObjectId
  period_start: Date
  period_end: Date
  amount: number
  channel: string
  category: 'sales' | 'marketing'
  currency: 'USD'
}

const npsWindowDays = 90
const spendWindowDays = 30

/** One survey a quarter; the last one splits into exactly the promoters, passives and detractors of `scale`. */
export function generateNps(
  scale: DemoScale,
  users: readonly DemoUser[],
  today: Date,
  random: Random,
): DemoNpsResponse[] {
  const responses: DemoNpsResponse[] = []
  const quarters = Math.floor(historyDays / npsWindowDays)
  for (let quarter = quarters - 1; quarter >= 0; quarter--) {
    const opens = today.getTime() - (quarter + 1) * npsWindowDays * dayMs
    const share = (quarters - quarter) / quarters
    const people = random.shuffle(users.filter((user) => user.created_at.getTime() < opens))
    const scores = [
      ...Array.from({ length: Math.ceil(scale.promoters * share) }, () => random.integer(9, 11)),
      ...Array.from({ length: Math.ceil(scale.passives * share) }, () => random.integer(7, 9)),
      ...Array.from({ length: Math.ceil(scale.detractors * share) }, () => random.integer(0, 7)),
    ]
    for (const [index, score] of scores.entries()) {
      const user = people[index]
      if (user === undefined) break
      const responded_at = new Date(opens + Math.floor(random.next() * npsWindowDays * dayMs))
      responses.push({
        _id: demoId(5, responses.length, responded_at),
        user_id: user._id,
        score,
        responded_at,
        survey_id: `quarterly-${quarters - quarter}`,
        channel: random.chance(0.7) ? 'in_app' : 'email',
      })
    }
  }
  return responses
}

/** Spend in blocks of 30 days that end today; the newest block costs exactly `cac` for each new customer. */
export function generateSpend(scale: DemoScale, today: Date, random: Random): DemoSpend[] {
  const newCustomers =
    scale.proCustomers + scale.enterpriseCustomers - (scale.openingCustomers - scale.churnedCustomers)
  const newest = newCustomers * scale.cac
  const channels = [
    ['search_ads', 'marketing', 0.45],
    ['content', 'marketing', 0.25],
    ['sales_team', 'sales', 0.3],
  ] as const
  const blocks = Math.floor(historyDays / spendWindowDays)
  const spend: DemoSpend[] = []
  for (let block = blocks - 1; block >= 0; block--) {
    const period_end = new Date(today.getTime() - block * spendWindowDays * dayMs)
    const period_start = new Date(period_end.getTime() - spendWindowDays * dayMs)
    const total = block === 0 ? newest : Math.round(newest * (1 - block / (blocks + 4)) * (0.9 + random.next() * 0.2))
    let left = total
    for (const [index, [channel, category, share]] of channels.entries()) {
      const amount = index === channels.length - 1 ? left : Math.round(total * share)
      left -= amount
      spend.push({
        _id: demoId(6, spend.length, period_start),
        period_start,
        period_end,
        amount,
        channel,
        category,
        currency: 'USD',
      })
    }
  }
  return spend
}
