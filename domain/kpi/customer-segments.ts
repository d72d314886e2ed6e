import { dayMs, type Instant, openEnd, startOfDay, startOfMonth } from '../instant.ts'
import { addMoney, isPositive, isSameMoney, type Money, subtractMoney, zeroMoney } from '../money.ts'
import { isCurrent, type SubscriptionSegment } from './subscription-segments.ts'

export type Movement = 'new' | 'expansion' | 'contraction' | 'churned' | 'reactivation' | 'none'

/**
 * One run of closings with equal MRR of one customer (spec: KPIs 8.1). A churn has mrr 0 and `to` = `from`, so that
 * customers who left cost only the movement query.
 */
export interface CustomerSegment {
  readonly customer: string
  /** First closing that shows this MRR. */
  readonly from: Instant
  /** First closing that no longer does. */
  readonly to: Instant
  readonly mrr: Money
  /** What `movement` is measured from: the MRR of the last closing that was a movement. */
  readonly previous: Money
  /** What happened at `from`; `none` for a difference under half a minor unit. */
  readonly movement: Movement
  /** First of the UTC month of the day whose closing first shows MRR > 0. */
  readonly cohort: Instant
}

/** The closing that is the first to include a change at `instant`: as of T, only changes before T count. */
function firstClosingAfter(instant: Instant): Instant {
  return startOfDay(instant) + dayMs
}

/**
 * Classifies the closings of one customer, at every midnight and at `extraClosings` (a window or an `as_of` that is no
 * midnight). Movements are told from the closings alone: in and out on one day leaves no trace, and a plan switch made
 * as cancel and create on one day is one movement (spec: KPIs 5.1).
 *
 * @param segments all segments of all subscriptions of one customer
 */
export function customerSegments(
  segments: readonly SubscriptionSegment[],
  extraClosings: readonly Instant[] = [],
): CustomerSegment[] {
  const paying = segments.filter((segment) => isPositive(segment.value))
  const customer = paying[0]?.customer
  if (customer === undefined) return []
  const closingAfter = (instant: Instant): Instant => {
    let closing = firstClosingAfter(instant)
    for (const extra of extraClosings) if (extra > instant && extra < closing) closing = extra
    return closing
  }
  const changes = new Map<Instant, Money>()
  const change = (at: Instant, amount: Money): void => {
    changes.set(at, addMoney(changes.get(at) ?? zeroMoney, amount))
  }
  for (const segment of paying) {
    change(closingAfter(segment.from), segment.value)
    if (segment.to < openEnd) change(closingAfter(segment.to), subtractMoney(zeroMoney, segment.value))
  }
  const result: CustomerSegment[] = []
  let mrr = zeroMoney
  let base = zeroMoney
  let cohort: Instant | null = null
  const closings = [...changes.keys()].sort((a, b) => a - b)
  for (const [index, from] of closings.entries()) {
    const before = mrr
    mrr = addMoney(mrr, changes.get(from) ?? zeroMoney)
    if (mrr.twelfths === before.twelfths && mrr.rest === before.rest) {
      const last = result[result.length - 1]
      if (last !== undefined && isPositive(mrr))
        result[result.length - 1] = { ...last, to: closings[index + 1] ?? openEnd }
      continue
    }
    const movement = movementBetween(base, mrr, cohort !== null)
    cohort ??= startOfMonth(from - 1)
    const to = isPositive(mrr) ? (closings[index + 1] ?? openEnd) : from
    result.push({ customer, from, to, mrr, previous: base, movement, cohort })
    if (movement !== 'none') base = mrr
  }
  return result
}

function movementBetween(before: Money, after: Money, paidBefore: boolean): Movement {
  if (!isPositive(before)) return paidBefore ? 'reactivation' : 'new'
  if (!isPositive(after)) return 'churned'
  if (isSameMoney(before, after)) return 'none'
  return subtractMoney(after, before).twelfths >= 0 ? 'expansion' : 'contraction'
}

/** The customer's MRR as of `closing`, which is a midnight or was one of the extra closings. */
export function mrrAtClosing(segments: readonly CustomerSegment[], closing: Instant): Money {
  for (const segment of segments) if (segment.from <= closing && closing < segment.to) return segment.mrr
  return zeroMoney
}

/** The customer's MRR as of any instant. */
export function mrrAsOf(segments: readonly SubscriptionSegment[], asOf: Instant): Money {
  let mrr = zeroMoney
  for (const segment of segments)
    if (isPositive(segment.value) && isCurrent(segment, asOf)) mrr = addMoney(mrr, segment.value)
  return mrr
}
