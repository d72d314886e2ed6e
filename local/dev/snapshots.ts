import { randomUUID } from 'node:crypto'
import type { Runtime } from '../../runtime/runtime.ts'
import { systemUser } from '../../runtime/user.ts'
import { dayMs } from '../demo/calendar.ts'

const demoDays = 90

/** Has the product's own functions compute the last 90 snapshots, as the nightly trigger would have. */
export async function computeDemoSnapshots(runtime: Runtime, today: Date): Promise<void> {
  const from = new Date(today.getTime() - (demoDays - 1) * dayMs)
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: randomUUID() }
  let next: unknown = from
  let started: unknown
  while (next !== null) {
    const result = await runtime.callFunction('backfillKpiSnapshots', [next, today, { started }], caller, 'system')
    if (typeof result !== 'object' || result === null || !('next' in result) || !('started' in result))
      throw new TypeError('backfillKpiSnapshots answers where to go on')
    next = result.next
    started = result.started
  }
}
