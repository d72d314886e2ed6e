import { EJSON } from 'bson'
import { type Command, UsageError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { instantOption, optionalInstantOption } from '../kpi-options.ts'

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (value instanceof Date) return value.toISOString()
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  return isPlain ? EJSON.stringify(value) : String(value)
}

function toText(explanation: Readonly<Record<string, unknown>>): string {
  const lines = [
    `${cell(explanation.metric)} = ${cell(explanation.value)} as of ${cell(explanation.as_of)} (stored: ${cell(explanation.stored)})`,
    cell(explanation.definition),
    ...Object.entries(Object(explanation.components)).map(([name, value]) => `  ${name} = ${cell(value)}`),
  ]
  const rows: unknown[] = Array.isArray(explanation.rows) ? explanation.rows : []
  for (const row of rows)
    lines.push(
      Object.entries(Object(row))
        .map(([name, value]) => `${name} ${cell(value)}`)
        .join('  '),
    )
  const expired: unknown[] = Array.isArray(explanation.expired_days) ? explanation.expired_days : []
  if (expired.length > 0)
    lines.push(
      `raw events of ${expired.length} days have expired (${cell(expired[0])} .. ${cell(expired.at(-1))}): ` +
        'their rows are gone, what user_activity_daily keeps of them is shown',
    )
  lines.push(`${cell(explanation.row_count)} rows`)
  return lines.join('\n')
}

export const command: Command = {
  name: 'kpi explain',
  summary: 'Lists the rows that make a metric: which customers churned, which trials converted',
  usage: 'METRIC --as-of DAY|INSTANT [--window-from DAY|INSTANT] [--uri mongodb://...] [--json]',
  options: { 'as-of': { type: 'string' }, 'window-from': { type: 'string' } },
  async run(context) {
    const [metric, ...others] = context.positionals
    if (metric === undefined || others.length > 0)
      throw new UsageError('name one metric, such as: kpi explain churn_rate')
    const asOf = instantOption(context, 'as-of')
    const windowFrom = optionalInstantOption(context, 'window-from')
    if (windowFrom !== undefined && windowFrom >= asOf) throw new UsageError('--window-from must be before --as-of')
    return withKpiFunctions(context, async (call) => {
      const explanation = await call(
        'explainKpi',
        metric,
        new Date(asOf),
        windowFrom === undefined ? {} : { window_from: new Date(windowFrom) },
      )
      context.output(explanation, toText(Object(explanation)))
      return 0
    })
  },
}
