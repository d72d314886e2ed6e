export const dayMs = 86_400_000

/** Midnight UTC that opens the day of `instant`. */
export function startOfDay(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / dayMs) * dayMs)
}

/** How busy a day of the week is beside a Tuesday: people use a work tool less at weekends. */
export function weekdayWeight(day: Date): number {
  return [0.55, 0.97, 1, 1, 0.98, 0.92, 0.6][day.getUTCDay()] ?? 1
}
