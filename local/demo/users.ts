import { ObjectId } from 'mongodb'
import { dayMs } from './calendar.ts'
import type { Random } from './random.ts'
import { type DemoScale, historyDays } from './scale.ts'

export interface DemoUser {
  _id: ObjectId
  auth0_id: string
  email?: string
  email_verified?: boolean
  display_name: string
  role: 'viewer' | 'analyst' | 'admin'
  is_active: boolean
  is_test?: true
  created_at: Date
  last_login: Date
  deleted_at?: Date
  metadata: { department: string; timezone: string }
}

const firstNames = [
  'Ada', 'Bram', 'Chiara', 'Dario', 'Elif', 'Farah', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Lena', 'Marco', 'Nadia',
  'Omar', 'Priya', 'Quinn', 'Rosa', 'Sven', 'Tess', 'Umar', 'Vera', 'Wen', 'Ximena', 'Yuki', 'Zoe',
] as const // biome-ignore format: a list of names reads better packed
const lastNames = [
  'Abebe', 'Bianchi', 'Castro', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haddad', 'Ito', 'Jansen', 'Kaya', 'Larsen',
  'Moreau', 'Novak', 'Okafor', 'Petrov', 'Rossi', 'Silva', 'Tanaka', 'Weber',
] as const // biome-ignore format: a list of names reads better packed
const departments = ['Engineering', 'Finance', 'Marketing', 'Operations', 'Product', 'Sales', 'Support'] as const
const timezones = ['Europe/Rome', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Asia/Tokyo'] as const

/** An id that is the same at every run for the same counter and instant. */
export function demoId(kind: number, counter: number, at: Date): ObjectId {
  const seconds = Math.floor(at.getTime() / 1000)
    .toString(16)
    .padStart(8, '0')
  return new ObjectId(
    `${seconds}${kind.toString(16).padStart(2, '0')}d0000000${counter.toString(16).padStart(6, '0')}`.slice(0, 24),
  )
}

/** An instant of the two years before `today`, later ones likelier: the company grows. */
export function growingInstant(random: Random, today: Date, fromDaysAgo: number, toDaysAgo: number): Date {
  const span = fromDaysAgo - toDaysAgo
  const daysAgo = toDaysAgo + span * (1 - Math.sqrt(random.next()))
  return new Date(today.getTime() - Math.max(daysAgo * dayMs, toDaysAgo * dayMs + 60_000))
}

/** The registered users, oldest first, and beside them a few test and deleted accounts that no metric may count. */
export function generateUsers(
  scale: DemoScale,
  today: Date,
  random: Random,
): { counted: DemoUser[]; uncounted: DemoUser[] } {
  const total = scale.totalUsers
  const extra = Math.max(4, Math.round(total / 300))
  const instants = Array.from({ length: total + extra }, () => growingInstant(random, today, historyDays, 0))
  instants.sort((a, b) => a.getTime() - b.getTime())
  const users = instants.map((created_at, index): DemoUser => {
    const first = random.pick(firstNames)
    const last = random.pick(lastNames)
    const phoneOnly = random.chance(0.02)
    return {
      _id: demoId(1, index, created_at),
      auth0_id: `${phoneOnly ? 'sms' : 'auth0'}|${(0x5eed0000 + index).toString(16)}`,
      ...(phoneOnly
        ? {}
        : { email: `${first}.${last}.${index}@example.com`.toLowerCase(), email_verified: !random.chance(0.05) }),
      display_name: `${first} ${last}`,
      role: index === 0 ? 'admin' : random.chance(0.04) ? 'analyst' : 'viewer',
      is_active: true,
      created_at,
      last_login: created_at,
      metadata: { department: random.pick(departments), timezone: random.pick(timezones) },
    }
  })
  const uncounted = new Set<number>()
  while (uncounted.size < extra) uncounted.add(random.integer(1, users.length))
  for (const index of uncounted) {
    const user = users[index]!
    if (random.chance(0.5)) user.is_test = true
    else {
      user.deleted_at = new Date((user.created_at.getTime() + today.getTime()) / 2)
      user.is_active = false
    }
  }
  return {
    counted: users.filter((_, index) => !uncounted.has(index)),
    uncounted: users.filter((_, index) => uncounted.has(index)),
  }
}
