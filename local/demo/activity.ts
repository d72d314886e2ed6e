import { ObjectId } from 'mongodb'
import { dayMs, weekdayWeight } from './calendar.ts'
import type { Random } from './random.ts'
import { type DemoScale, historyDays } from './scale.ts'
import type { DemoUser } from './users.ts'

export interface DemoEvent {
  _id: ObjectId
  event_type: string
  user_id: ObjectId
  timestamp: Date
  received_at: Date
  platform: 'web' | 'mobile_ios' | 'mobile_android' | 'desktop'
  properties: { page: string; referrer?: string; session_id: string; user_agent?: string }
}

const platforms = ['web', 'web', 'web', 'mobile_ios', 'mobile_android', 'desktop'] as const
const pages = ['/dashboard', '/reports', '/reports/mrr', '/customers', '/settings', '/billing'] as const
const eventTypes = ['page_view', 'page_view', 'page_view', 'feature_used', 'login'] as const
const windowDays = 30

/** How likely a person is to show up on an ordinary working day; 0.35 on average, so DAU / MAU is that of the sample. */
function propensity(random: Random): number {
  const kind = random.next()
  if (kind < 0.35) return 0.7
  if (kind < 0.7) return 0.25
  return 0.06
}

/**
 * The people active on each day of the history, oldest day first. The last 30 days hold exactly `mau` distinct people
 * and yesterday exactly `dau`; weekends are quieter; nobody is active before registering, and those outside the `mau`
 * have lost interest at some instant of the past.
 */
function activeUsersByDay(scale: DemoScale, users: readonly DemoUser[], today: Date, random: Random): DemoUser[][] {
  const windowOpens = today.getTime() - windowDays * dayMs
  const yesterday = new Date(today.getTime() - dayMs)
  const shuffled = random.shuffle([...users])
  const known = shuffled.filter((user) => user.created_at < yesterday)
  const monthly = known.slice(0, scale.mau)
  const daily = monthly.slice(0, scale.dau)
  if (monthly.length < scale.mau) throw new RangeError('fewer users than monthly active users')

  const likelihood = new Map(users.map((user) => [user, propensity(random)]))
  const engagedUntil = new Map<DemoUser, number>()
  for (const user of users) {
    const joined = user.created_at.getTime()
    engagedUntil.set(user, joined < windowOpens ? joined + random.next() ** 3 * (windowOpens - joined) : joined)
  }
  for (const user of monthly) engagedUntil.set(user, today.getTime())

  // Yesterday's number is given: on a quiet Sunday the working days around it must be the busier ones.
  const busyness = 1 / weekdayWeight(yesterday)
  const days: DemoUser[][] = []
  for (let daysAgo = historyDays; daysAgo >= 2; daysAgo--) {
    const from = new Date(today.getTime() - daysAgo * dayMs)
    const weight = weekdayWeight(from) * busyness
    days.push(
      users.filter(
        (user) =>
          user.created_at <= from &&
          (engagedUntil.get(user) ?? 0) > from.getTime() + dayMs &&
          random.chance(Math.min(0.97, (likelihood.get(user) ?? 0) * weight)),
      ),
    )
  }
  days.push(daily)

  const seen = new Set(days.slice(-windowDays).flat())
  for (const user of monthly) {
    if (seen.has(user)) continue
    const earliest = Math.max(user.created_at.getTime(), windowOpens)
    const daysAgo = random.integer(2, Math.ceil((today.getTime() - earliest) / dayMs) + 1)
    days[days.length - daysAgo]!.push(user)
  }
  return days
}

/** The events of the two years, day by day, oldest first; generated lazily because the full scale has over a million. */
export function* generateActivity(
  scale: DemoScale,
  users: readonly DemoUser[],
  today: Date,
  random: Random,
): Generator<DemoEvent[]> {
  const days = activeUsersByDay(scale, users, today, random)
  let counter = 0
  for (const [index, active] of days.entries()) {
    const from = today.getTime() - (days.length - index) * dayMs
    const events: DemoEvent[] = []
    for (const user of active) {
      const repeated = random.chance(0.25) ? 2 : 1
      const session_id = `sess_${(counter++).toString(36)}`
      for (let nth = 0; nth < repeated; nth++) {
        const floor = Math.max(from, user.created_at.getTime())
        const timestamp = new Date(floor + Math.floor(random.next() * (from + dayMs - floor)))
        events.push({
          _id: new ObjectId(eventId(timestamp, counter, nth)),
          event_type: random.pick(eventTypes),
          user_id: user._id,
          timestamp,
          received_at: timestamp,
          platform: random.pick(platforms),
          properties: { page: random.pick(pages), session_id },
        })
        if (timestamp > user.last_login) user.last_login = timestamp
      }
    }
    yield events
  }
}

function eventId(timestamp: Date, counter: number, nth: number): string {
  const seconds = Math.floor(timestamp.getTime() / 1000)
    .toString(16)
    .padStart(8, '0')
  return `${seconds}04d000${nth.toString(16).padStart(2, '0')}${counter.toString(16).padStart(8, '0')}`
}
