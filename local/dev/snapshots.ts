import { randomUUID } from 'node:crypto'
import type { Runtime } from '../../runtime/runtime.ts'
import { systemUser } from '../../runtime/user.ts'
import { dayMs } from '../demo/calendar.ts'

const demoDays = 90

/** Has the product's own functions compute the last 90 snapshots, as the nightly trigger would have. */
export async function computeDemoSnapshots(runtime: Runtime, today: Date): Promise<void> {
  const from = new Date(today.getTime() - (demoDays - 1) * dayMs)
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: randomUUID() }
  await runtime.callFunction('backfillKpiSnapshots', [from, today], caller, 'system')
}
