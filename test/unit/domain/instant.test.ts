import { describe, expect, it } from 'vitest'
import { parseInstant, startOfMonthAfter, subtractMonths } from '../../../domain/instant.ts'

const iso = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString())

describe('dates', () => {
  it.each([
    ['2024-01-20', '2024-01-20T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2024-01-20T10:30Z', '2024-01-20T10:30:00.000Z'],
    ['2024-01-20T10:30:15.5+02:00', '2024-01-20T08:30:15.500Z'],
    ['2023-02-29', null],
    ['2024-13-01', null],
    ['2024-01-20T25:00Z', null],
    ['2024-01-20T10:00', null],
    ['20240120', null],
    ['yesterday', null],
    ['', null],
  ])('read %s as %s', (text, expected) => {
    expect(iso(parseInstant(text))).toBe(expected)
  })

  it.each([
    ['2024-02-29', 12, '2023-02-28T00:00:00.000Z'],
    ['2025-02-28', 12, '2024-02-28T00:00:00.000Z'],
    ['2024-03-31', 1, '2024-02-29T00:00:00.000Z'],
    ['2024-01-31', 2, '2023-11-30T00:00:00.000Z'],
    ['2024-07-15T12:34:56Z', 12, '2023-07-15T12:34:56.000Z'],
  ])('%s minus %d months is %s: calendar subtraction with clamping', (text, months, expected) => {
    expect(iso(subtractMonths(parseInstant(text)!, months))).toBe(expected)
  })

  it('know the first of months across years', () => {
    expect(iso(startOfMonthAfter(Date.UTC(2023, 11, 31), 2))).toBe('2024-02-01T00:00:00.000Z')
  })
})
