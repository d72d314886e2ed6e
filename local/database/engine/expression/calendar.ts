/** Calendar fields of a date whose UTC fields are local time. */

const DAY = 86_400_000

/** 1 (Sunday) to 7. */
export const dayOfWeek = (date: Date): number => date.getUTCDay() + 1

/** 1 (Monday) to 7. */
export const isoDayOfWeek = (date: Date): number => date.getUTCDay() || 7

/** 1 to 366. */
export function dayOfYear(date: Date): number {
  const start = new Date(date)
  start.setUTCMonth(0, 1)
  return Math.round((startOfDay(date) - startOfDay(start)) / DAY) + 1
}

/** 0 to 53: weeks begin on Sunday, days before the first one are in week 0. */
export const week = (date: Date): number => Math.floor((dayOfYear(date) + 6 - date.getUTCDay()) / 7)

export function startOfDay(date: Date): number {
  return Math.floor(date.getTime() / DAY) * DAY
}

/** The year and week of ISO 8601: week 1 has the year's first Thursday. */
export function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(startOfDay(date) + (4 - isoDayOfWeek(date)) * DAY)
  return { year: thursday.getUTCFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 }
}
