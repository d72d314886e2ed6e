import { describe, expect, it } from 'vitest'
import { lastMatchBetween, matchesSchedule, parseSchedule } from '../../../../runtime/triggers/cron.ts'

const values = (text: string, field: keyof ReturnType<typeof parseSchedule>) => [...parseSchedule(text)[field]]

describe('the fields of a schedule', () => {
  const cases: [string, keyof ReturnType<typeof parseSchedule>, number[]][] = [
    ['*/25 * * * *', 'minutes', [0, 25, 50]],
    ['10-40/15 * * * *', 'minutes', [15, 30]],
    ['5,10-12 * * * *', 'minutes', [5, 10, 11, 12]],
    ['5/20 * * * *', 'minutes', [20, 40]],
    ['0 */7 * * *', 'hours', [0, 7, 14, 21]],
    ['0 0 1-10/3 * *', 'daysOfMonth', [1, 4, 7, 10]],
    ['0 0 * 1-4 *', 'months', [1, 2, 3, 4]],
    ['0 0 * jan,MAR *', 'months', [1, 3]],
    ['0 0 * * SUN', 'weekdays', [0]],
    ['0 0 * * mon-fri', 'weekdays', [1, 2, 3, 4, 5]],
    ['0 0 * * */2', 'weekdays', [0, 2, 4, 6]],
  ]
  it.each(cases)('%s has the %s %j', (text, field, expected) => {
    expect(values(text, field)).toEqual(expected)
  })

  const bad = [
    '* * * *',
    '* * * * * *',
    '@daily',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 7',
    '*/0 * * * *',
    '1-2-3 * * * *',
    '5-1 * * * *',
    'L * * * *',
    '? * * * *',
    '-1 * * * *',
    '1.5 * * * *',
    '',
  ]
  it.each(bad)('refuses "%s"', (text) => {
    expect(() => parseSchedule(text)).toThrow(RangeError)
  })
})

describe('matching', () => {
  const cases: [string, string, boolean][] = [
    ['0 7 * * *', '2026-03-02T07:00:59.999Z', true],
    ['0 7 * * *', '2026-03-02T07:01:00.000Z', false],
    ['0 0 * * 1', '2026-03-02T00:00:00.000Z', true],
    ['0 0 * * 0', '2026-03-02T00:00:00.000Z', false],
    ['*/1 * * * *', '2026-03-02T13:37:00.000Z', true],
    ['0 11 * 1,3,7 *', '2026-03-15T11:00:00.000Z', true],
    ['0 11 * 1,3,7 *', '2026-02-15T11:00:00.000Z', false],
    // Day of month and weekday: both, not either.
    ['0 0 13 * 5', '2026-03-13T00:00:00.000Z', true],
    ['0 0 13 * 5', '2026-03-06T00:00:00.000Z', false],
    ['0 0 13 * 5', '2026-04-13T00:00:00.000Z', false],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z', true],
  ]
  it.each(cases)('%s at %s: %s', (text, instant, expected) => {
    expect(matchesSchedule(parseSchedule(text), new Date(instant))).toBe(expected)
  })

  const missed: [string, string, string, string | undefined][] = [
    ['0 0 * * *', '2026-03-01T00:00:00Z', '2026-03-03T12:00:00Z', '2026-03-03T00:00:00.000Z'],
    ['0 0 * * *', '2026-03-03T00:00:00Z', '2026-03-03T12:00:00Z', undefined],
    ['0 0 * * *', '2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z', undefined],
    ['*/5 * * * *', '2026-03-01T00:00:00Z', '2026-03-01T00:14:00Z', '2026-03-01T00:10:00.000Z'],
    ['0 0 29 2 *', '2027-01-01T00:00:00Z', '2028-12-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ]
  it.each(missed)('%s between %s and %s was last due at %s', (text, after, before, expected) => {
    expect(lastMatchBetween(parseSchedule(text), new Date(after), new Date(before))?.toISOString()).toBe(expected)
  })
})
