/**
 * The definitions of spec KPIs 3-5 once more, written the slow and obvious way over plain arrays: every number is found
 * by asking each subscription what it was worth at an instant. Shares no code with the product; exactness comes from
 * BigInt. Tests hold every other path against it.
 */
export interface RawData {
  users: RawDoc[]
  subscriptions: RawDoc[]
  subscription_events: RawDoc[]
  analytics_events: RawDoc[]
  marketing_spend: RawDoc[]
  nps_responses: RawDoc[]
  kpi_config: RawDoc[]
}

export type RawDoc = Record<string, unknown>

const day = 86_400_000

interface Ratio {
  n: bigint
  d: bigint
}

const zero: Ratio = { n: 0n, d: 1n }

function decimal(value: unknown): Ratio | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const scale = Number(exponent) - fraction.length
  const n = BigInt(whole + fraction)
  return scale >= 0 ? { n: n * 10n ** BigInt(scale), d: 1n } : { n, d: 10n ** BigInt(-scale) }
}

const whole = (value: number): Ratio => ({ n: BigInt(value), d: 1n })
const add = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d })
const minus = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d })
const times = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.n, d: a.d * b.d })
const less = (a: Ratio, b: Ratio): boolean => a.n * b.d < b.n * a.d
const positive = (a: Ratio): boolean => a.n > 0n

function over(a: Ratio | null, b: Ratio | null): Ratio | null {
  if (a === null || b === null || b.n === 0n) return null
  const [n, d] = [a.n * b.d, a.d * b.n]
  return d < 0n ? { n: -n, d: -d } : { n, d }
}

const percent = (a: Ratio | null, b: Ratio | null): Ratio | null => {
  const share = over(a, b)
  return share === null ? null : times(share, whole(100))
}

/** Two decimals, halves away from zero. */
export function round(value: Ratio | null): number | null {
  if (value === null) return null
  const negative = value.n < 0n
  const n = (negative ? -value.n : value.n) * 100n
  const hundredths = (2n * n + value.d) / (2n * value.d)
  const result = Number(`${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`)
  return negative && hundredths !== 0n ? -result : result
}

const idOf = (id: unknown): string | null => (id === null || id === undefined ? null : JSON.stringify(id))
const at = (value: unknown): number | null => (value instanceof Date ? value.getTime() : null)

/** Computes the scalar metrics and both tables as of `asOf`. */
export function naiveKpis(data: RawData, asOf: number, windowFrom = asOf - 30 * day): Record<string, unknown> {
  const config = data.kpi_config[0] ?? {}
  const reporting = (config.reporting_currency as string) ?? 'USD'
  const margin = decimal(config.gross_margin ?? 1) ?? whole(1)
  const npsDays = (config.nps_window_days as number) ?? 90
  const inactive = (config.inactive_event_types as string[]) ?? [
    'subscription_created',
    'subscription_updated',
    'subscription_cancelled',
    'payment_succeeded',
    'payment_failed',
    'email_sent',
    'push_sent',
  ]
  const testUsers = new Set(data.users.filter((user) => user.is_test === true).map((user) => idOf(user._id)))

  interface State {
    from: number
    to: number
    status: string
    worth: Ratio
    customer: string
    nextStatus: string | null
    nextWorth: Ratio
  }

  const worthOf = (row: RawDoc, status: string): Ratio => {
    if (status !== 'active' && status !== 'past_due') return zero
    if (row.plan === 'free') return zero
    let value: Ratio | null
    if (typeof row.amount === 'number' && row.billing_cycle === 'yearly') value = over(decimal(row.amount), whole(12))
    else if (typeof row.amount === 'number' && row.billing_cycle === 'monthly') value = decimal(row.amount)
    else value = decimal(row.mrr)
    if (value === null || !positive(value)) return zero
    if (row.currency !== undefined && row.currency !== reporting) {
      const rate = decimal(row.fx_rate)
      return rate === null || !positive(rate) ? zero : times(value, rate)
    }
    return value
  }

  const states: State[] = []
  const logged = new Map<string, RawDoc[]>()
  for (const row of data.subscription_events) {
    const id = idOf(row.subscription_id)
    if (id === null || at(row.effective_at) === null) continue
    logged.set(id, [...(logged.get(id) ?? []), row])
  }
  for (const rows of logged.values()) {
    const sorted = rows.sort(
      (a, b) => at(a.effective_at)! - at(b.effective_at)! || ((a.seq as number) ?? 0) - ((b.seq as number) ?? 0),
    )
    const last = sorted.filter((row, index) => at(sorted[index + 1]?.effective_at) !== at(row.effective_at))
    for (const [index, row] of last.entries()) {
      if (row.status === 'cancelled') continue
      const next = last[index + 1]
      const from = at(row.effective_at)!
      const to = Math.min(at(next?.effective_at) ?? Infinity, at(row.end_date) ?? Infinity)
      const follows = next !== undefined && at(next.effective_at) === to && next.status !== 'cancelled'
      states.push({
        from,
        to,
        status: row.status as string,
        worth: worthOf(row, row.status as string),
        customer: idOf(row.user_id)!,
        nextStatus: follows ? (next.status as string) : null,
        nextWorth: follows ? worthOf(next, next.status as string) : zero,
      })
    }
  }
  for (const document of data.subscriptions) {
    if (logged.has(idOf(document._id)!)) continue
    const from = at(document.start_date) ?? at(document.created_at)
    if (from === null) continue
    const cancelled = document.status === 'cancelled'
    const to = at(document.end_date) ?? (cancelled ? at(document.updated_at) : Infinity)
    if (to === null) continue
    const status = cancelled ? 'active' : (document.status as string)
    states.push({
      from,
      to,
      status,
      worth: worthOf(document, status),
      customer: idOf(document.user_id)!,
      nextStatus: null,
      nextWorth: zero,
    })
  }
  const counted = states.filter((state) => state.from < state.to && !testUsers.has(state.customer))
  const customers = [...new Set(counted.map((state) => state.customer))]
  const current = (t: number): State[] => counted.filter((state) => state.from < t && t <= state.to)
  const mrrOf = (customer: string, t: number): Ratio =>
    current(t)
      .filter((state) => state.customer === customer)
      .reduce((sum, state) => add(sum, state.worth), zero)
  const total = (t: number): Ratio => customers.reduce((sum, customer) => add(sum, mrrOf(customer, t)), zero)
  const paying = (t: number): string[] => customers.filter((customer) => positive(mrrOf(customer, t)))

  const earliest = Math.min(asOf, windowFrom, ...counted.map((state) => state.from))
  const firstMidnight = Math.floor(earliest / day) * day
  const closings: number[] = []
  for (let t = firstMidnight; t <= asOf; t += day) closings.push(t)
  for (const extra of [windowFrom, asOf]) if (!closings.includes(extra)) closings.push(extra)
  closings.sort((a, b) => a - b)

  const moved = { new: zero, expansion: zero, reactivation: zero, contraction: zero, churned: zero }
  let [newCustomers, reactivated] = [0, 0]
  const firstClosing = new Map<string, number>()
  for (const customer of customers) {
    let before = zero
    let paid = false
    for (const closing of closings) {
      const after = mrrOf(customer, closing)
      const inWindow = closing > windowFrom
      // Cohorts close at midnights, whatever the window.
      if (closing % day === 0 && positive(after) && !firstClosing.has(customer)) firstClosing.set(customer, closing)
      if (!positive(before) && positive(after)) {
        const kind = paid ? 'reactivation' : 'new'
        if (inWindow) {
          moved[kind] = add(moved[kind], after)
          if (paid) reactivated += 1
          else newCustomers += 1
        }
        paid = true
      } else if (inWindow && positive(before) && !positive(after)) moved.churned = add(moved.churned, before)
      else if (inWindow && less(before, after)) moved.expansion = add(moved.expansion, minus(after, before))
      else if (inWindow && less(after, before)) moved.contraction = add(moved.contraction, minus(before, after))
      before = after
    }
  }
  const gained = add(add(moved.new, moved.expansion), moved.reactivation)
  const lost = add(moved.churned, moved.contraction)

  const activeIn = (from: number, to: number): Set<string> =>
    new Set(
      data.analytics_events
        .filter((event) => {
          const t = at(event.timestamp)
          const user = idOf(event.user_id)
          const received = at(event.received_at)
          return (
            t !== null &&
            from <= t &&
            t < to &&
            user !== null &&
            !testUsers.has(user) &&
            !inactive.includes(event.event_type as string) &&
            !(received !== null && t > received + 300_000)
          )
        })
        .map((event) => idOf(event.user_id)!),
    )
  const [dau, wau, mau] = [1, 7, 30].map((days) => activeIn(asOf - days * day, asOf).size) as [number, number, number]
  let userDays = 0
  for (let back = 1; back <= 30; back++) userDays += activeIn(asOf - back * day, asOf - (back - 1) * day).size

  const mrr = total(asOf)
  const openingMrr = total(windowFrom)
  const payers = paying(asOf)
  const openers = paying(windowFrom)
  const churned = openers.filter((customer) => !payers.includes(customer)).length
  const arpu = over(mrr, whole(payers.length))
  const churnRate = percent(whole(churned), whole(openers.length))
  const ltv = arpu === null || churnRate === null ? null : over(times(times(arpu, margin), whole(100)), churnRate)

  let spend: Ratio | null = null
  for (const row of data.marketing_spend) {
    const [start, end, amount] = [at(row.period_start), at(row.period_end), decimal(row.amount)]
    if (start === null || end === null || amount === null || amount.n < 0n || end <= start) continue
    const overlap = Math.min(end, asOf) - Math.max(start, windowFrom)
    if (overlap <= 0) continue
    const foreign = row.currency !== undefined && row.currency !== reporting
    const rate = foreign ? decimal(row.fx_rate) : whole(1)
    if (rate === null) continue
    spend = add(spend ?? zero, times(times(amount, rate), { n: BigInt(overlap), d: BigInt(end - start) }))
  }
  const cac = over(spend, whole(newCustomers))

  const scores: number[] = []
  const latest = new Map<string, { t: number; score: number }>()
  for (const answer of data.nps_responses) {
    const [t, score, user] = [at(answer.responded_at), answer.score as number, idOf(answer.user_id)]
    if (t === null || t < asOf - npsDays * day || t >= asOf) continue
    if (!Number.isInteger(score) || score < 0 || score > 10) continue
    if (user === null) scores.push(score)
    else if (!testUsers.has(user)) {
      const known = latest.get(user)
      if (known === undefined || t > known.t || (t === known.t && score < known.score)) latest.set(user, { t, score })
    }
  }
  scores.push(...[...latest.values()].map((answer) => answer.score))
  const promoters = scores.filter((score) => score >= 9).length
  const detractors = scores.filter((score) => score <= 6).length

  const yearBefore = new Date(asOf)
  yearBefore.setUTCFullYear(yearBefore.getUTCFullYear() - 1)
  if (yearBefore.getUTCMonth() !== new Date(asOf).getUTCMonth()) yearBefore.setUTCDate(0)
  const retention = (opening: number): { nrr: Ratio | null; grr: Ratio | null } => {
    let [before, after, kept] = [zero, zero, zero]
    for (const customer of paying(opening)) {
      const [then, now] = [mrrOf(customer, opening), mrrOf(customer, asOf)]
      before = add(before, then)
      after = add(after, now)
      kept = add(kept, less(then, now) ? then : now)
    }
    return { nrr: percent(after, before), grr: percent(kept, before) }
  }
  const days30 = retention(asOf - 30 * day)
  const months12 = retention(yearBefore.getTime())

  const ended = counted.filter(
    (state) =>
      state.status === 'trialing' && windowFrom <= state.to && state.to < asOf && state.nextStatus !== 'trialing',
  )
  const converted = ended.filter((state) => state.nextStatus === 'active' && positive(state.nextWorth)).length
  const newArpu = over(moved.new, whole(newCustomers))

  const month = (t: number): string => new Date(t).toISOString().slice(0, 7)
  const monthEnd = (name: string, k: number): number => {
    const [year, number] = name.split('-').map(Number) as [number, number]
    return Date.UTC(year, number + k, 1)
  }
  const table = <T>(
    members: Map<string, T[]>,
    row: (name: string, size: T[], ends: number[]) => Record<string, unknown>,
  ): Record<string, unknown>[] =>
    [...members.keys()].sort().map((name) => {
      const ends: number[] = []
      for (let k = 0; monthEnd(name, k) <= asOf; k++) ends.push(monthEnd(name, k))
      return row(name, members.get(name)!, ends)
    })
  const cohorts = new Map<string, string[]>()
  for (const [customer, closing] of firstClosing)
    cohorts.set(month(closing - 1), [...(cohorts.get(month(closing - 1)) ?? []), customer])
  const firstActive = new Map<string, string>()
  for (const event of [...data.analytics_events].sort((a, b) => (at(a.timestamp) ?? 0) - (at(b.timestamp) ?? 0))) {
    const t = at(event.timestamp)
    if (t === null || t >= asOf) continue
    for (const user of activeIn(t, t + 1)) if (!firstActive.has(user)) firstActive.set(user, month(t))
  }
  const users = new Map<string, string[]>()
  for (const [user, name] of firstActive) users.set(name, [...(users.get(name) ?? []), user])

  const sum = (list: Ratio[]): Ratio => list.reduce(add, zero)
  return {
    total_users: data.users.filter((user) => {
      const [created, deleted] = [at(user.created_at), at(user.deleted_at)]
      return created !== null && created < asOf && user.is_test !== true && !(deleted !== null && deleted < asOf)
    }).length,
    active_users: mau,
    dau,
    wau,
    mau,
    active_subscriptions: current(asOf).filter((state) => positive(state.worth)).length,
    mrr: round(mrr),
    arr: round(times(mrr, whole(12))),
    arpu: round(arpu),
    churn_rate: round(churnRate),
    ltv: round(ltv),
    cac: round(cac),
    nps: round(percent(whole(promoters - detractors), whole(scores.length))),
    stickiness: round(percent(whole(dau), whole(mau))),
    stickiness_avg: round(percent({ n: BigInt(userDays), d: 30n }, whole(mau))),
    new_mrr: round(moved.new),
    expansion_mrr: round(moved.expansion),
    reactivation_mrr: round(moved.reactivation),
    contraction_mrr: round(moved.contraction),
    churned_mrr: round(moved.churned),
    net_new_mrr: round(minus(gained, lost)),
    gross_mrr_churn_rate: round(percent(lost, openingMrr)),
    net_mrr_churn_rate: round(percent(minus(lost, add(moved.expansion, moved.reactivation)), openingMrr)),
    nrr_30d: round(days30.nrr),
    nrr_12m: round(months12.nrr),
    grr_30d: round(days30.grr),
    grr_12m: round(months12.grr),
    quick_ratio: round(over(gained, lost)),
    trial_conversion_rate: round(percent(whole(converted), whole(ended.length))),
    ltv_cac_ratio: round(over(ltv, cac)),
    cac_payback_months: round(over(cac, newArpu === null ? null : times(newArpu, margin))),
    mrr_per_mau: round(over(mrr, whole(mau))),
    paying_customers: payers.length,
    past_due_subscriptions: current(asOf).filter((state) => state.status === 'past_due' && positive(state.worth))
      .length,
    trialing_subscriptions: current(asOf).filter((state) => state.status === 'trialing').length,
    new_customers: newCustomers,
    reactivated_customers: reactivated,
    churned_customers: churned,
    opening_customers: openers.length,
    opening_mrr: round(openingMrr),
    trials_ended: ended.length,
    trials_converted: converted,
    nps_respondents: scores.length,
    acquisition_spend: round(spend),
    cohort_retention: table(cohorts, (name, members, ends) => {
      const initial = sum(members.map((customer) => mrrOf(customer, firstClosing.get(customer)!)))
      return {
        cohort: name,
        size: members.length,
        initial_mrr: round(initial),
        customers_pct: ends.map((end) =>
          round(
            percent(whole(members.filter((customer) => positive(mrrOf(customer, end))).length), whole(members.length)),
          ),
        ),
        mrr_pct: ends.map((end) => round(percent(sum(members.map((customer) => mrrOf(customer, end))), initial))),
      }
    }),
    usage_retention: table(users, (name, members, ends) => ({
      cohort: name,
      size: members.length,
      customers_pct: ends.map((end) => {
        const start = new Date(end - 1)
        const active = activeIn(Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), 1), Math.min(end, asOf))
        return round(percent(whole(members.filter((user) => active.has(user)).length), whole(members.length)))
      }),
    })),
  }
}
