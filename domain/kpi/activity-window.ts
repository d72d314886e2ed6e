import { dayMs, type Instant } from '../instant.ts'
import type { ActiveUsers } from './active-users.ts'

/**
 * Slides the 30-day window over consecutive days: how many people were last seen on which day is all that `dau`, `wau`
 * and `mau` need, so each day costs its own people and nothing of the days before.
 */
export class ActivityWindow {
  private readonly lastSeen = new Map<string, Instant>()
  private readonly lastSeenOn = new Map<Instant, number>()
  private readonly activeOn = new Map<Instant, number>()
  private end: Instant = 0

  /** @param users the people active on `day`, each once; days come in order, none left out */
  addDay(day: Instant, users: readonly string[]): void {
    for (const user of users) {
      const before = this.lastSeen.get(user)
      if (before !== undefined) this.lastSeenOn.set(before, (this.lastSeenOn.get(before) ?? 0) - 1)
      this.lastSeen.set(user, day)
    }
    this.lastSeenOn.set(day, users.length)
    this.activeOn.set(day, users.length)
    this.end = day + dayMs
  }

  /** The numbers as of the end of the last day added. */
  counts(): ActiveUsers {
    return {
      dau: this.sum(this.lastSeenOn, 1),
      wau: this.sum(this.lastSeenOn, 7),
      mau: this.sum(this.lastSeenOn, 30),
      userDays: this.sum(this.activeOn, 30),
    }
  }

  private sum(counts: ReadonlyMap<Instant, number>, days: number): number {
    let total = 0
    for (let back = 1; back <= days; back++) total += counts.get(this.end - back * dayMs) ?? 0
    return total
  }
}
