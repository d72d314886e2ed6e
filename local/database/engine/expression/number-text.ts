/** A double as `$toString` writes it: shortest digits, exponent beyond 21 digits, no `.0`. */
export function doubleToText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity'
  if (Object.is(value, -0)) return '-0'
  return String(value)
}
