interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** The five fields of an App Services schedule (spec: triggers 3). */
const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'weekday', min: 0, max: 6, names: weekdays },
]

function isValue(text: string, field: Field): boolean {
  if (field.names.includes(text.toUpperCase())) return true
  return /^\d{1,2}$/.test(text) && Number(text) >= field.min && Number(text) <= field.max
}

function isPart(text: string, field: Field): boolean {
  const [range = '', step, ...more] = text.split('/')
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false
  if (range === '*') return true
  const ends = range.split('-')
  return ends.length <= 2 && ends.every((end) => isValue(end, field))
}

/** Why a schedule is none that App Services accepts; undefined when it is. */
export function cronProblem(schedule: string): string | undefined {
  const parts = schedule.trim().split(/\s+/)
  if (parts.length !== fields.length) return `expected 5 fields (minute hour day month weekday), got ${parts.length}`
  for (const [index, field] of fields.entries()) {
    const part = parts[index] ?? ''
    if (!part.split(',').every((piece) => isPart(piece, field))) return `"${part}" is no ${field.name}`
  }
  return undefined
}
