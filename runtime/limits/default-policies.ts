import { doors, type LimitPolicy } from '../../schemas/edge-settings.ts'

const windowSeconds = 60

/**
 * So generous that a client that was written for the original service, which had no such limits, never meets them; they
 * stop a runaway loop and a guesser. Reads and writes are counted in the memory of each host: a round trip to the
 * database for each would double what a read costs.
 */
const defaults: readonly LimitPolicy[] = [
  {
    name: 'login-address',
    door: 'login',
    per: 'address',
    limit: 1_200,
    windowSeconds,
    store: 'shared',
    onFailure: 'closed',
  },
  {
    name: 'sync-address',
    door: 'sync',
    per: 'address',
    limit: 3_000,
    windowSeconds,
    store: 'shared',
    onFailure: 'closed',
  },
  ...(['read', 'write'] as const).flatMap((door) =>
    (['key', 'user', 'address'] as const).map(
      (per): LimitPolicy => ({
        name: `${door}-${per}`,
        door,
        per,
        limit: 300_000,
        windowSeconds,
        store: 'local',
        onFailure: 'open',
      }),
    ),
  ),
]

/** The defaults, each replaced by a configured policy of the same name, and the other configured ones; by door. */
export function policiesFrom(configured: readonly LimitPolicy[]): LimitPolicy[] {
  const byName = new Map([...defaults, ...configured].map((policy) => [policy.name, policy]))
  return [...byName.values()].sort((a, b) => doors.indexOf(a.door) - doors.indexOf(b.door))
}
