/** `EJSON` is always canonical; `JSON` is the service's plain form (spec: Data API 3). */
export type EjsonFormat = 'JSON' | 'EJSON'

/** A double as canonical extended JSON spells it. */
export function doubleText(value: number): string {
  if (Number.isInteger(value)) return Object.is(value, -0) ? '-0.0' : value.toFixed(1)
  return String(value)
}

/** A double as a JSON number; null for NaN and the infinities, which JSON cannot write. */
export function doubleJson(value: number): string {
  return Number.isFinite(value) ? (Object.is(value, -0) ? '-0' : String(value)) : 'null'
}

/** The ISO form of a date; the milliseconds where they are beyond what a calendar date can name. */
export function dateJson(milliseconds: bigint | number): string {
  const date = new Date(Number(milliseconds))
  return Number.isNaN(date.getTime()) ? String(milliseconds) : `"${date.toISOString()}"`
}
