import { dayMs, type Instant, isMidnight } from '../../domain/instant.ts'
import type { EndpointRequest } from '../../runtime/context.ts'
import { InvalidArgument, optionalInstant } from './arguments.ts'
import { parameter } from './respond.ts'

export interface Period {
  readonly from: Instant
  readonly to: Instant
}

/**
 * The `from` and `to` of a request, midnights UTC; absent: the last `defaultDays`.
 *
 * @throws {InvalidArgument} when one is no midnight, they are out of order, or further apart than `mostDays`
 */
export function periodOf(request: EndpointRequest, today: Instant, defaultDays: number, mostDays: number): Period {
  const to = midnight(parameter(request, 'to'), 'to') ?? today
  const from = midnight(parameter(request, 'from'), 'from') ?? to - defaultDays * dayMs
  return checkedPeriod(from, to, mostDays)
}

export function checkedPeriod(from: Instant, to: Instant, mostDays: number): Period {
  if (from > to) throw new InvalidArgument('from must not be after to')
  if (to - from > mostDays * dayMs) throw new InvalidArgument(`from and to may be ${mostDays} days apart at most`)
  return { from, to }
}

function midnight(text: string | undefined, name: string): Instant | undefined {
  const instant = optionalInstant(text, name)
  if (instant !== undefined && !isMidnight(instant)) throw new InvalidArgument(`${name} must be a day: YYYY-MM-DD`)
  return instant
}
