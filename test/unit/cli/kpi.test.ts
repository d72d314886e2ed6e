import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Command, UsageError } from '../../../cli/command.ts'
import { command as backfill } from '../../../cli/commands/kpi-backfill.ts'
import { command as compute } from '../../../cli/commands/kpi-compute.ts'
import { command as explain } from '../../../cli/commands/kpi-explain.ts'
import { command as verify } from '../../../cli/commands/kpi-verify.ts'
import { repositoryRoot } from '../../../cli/own-app.ts'
import { type RunningDatabase, startDatabase } from '../../../local/database/main.ts'
import { loadRawData } from '../../support/kpi/database.ts'
import { naiveKpis, type RawData } from '../../support/kpi/naive-kpis.ts'

const day = 86_400_000
const asOf = Date.UTC(2024, 0, 20)
const ago = (days: number): Date => new Date(asOf - days * day + 1)

/** The command names its database itself, so this test has a server of its own. */
let server: RunningDatabase
let client: MongoClient

const data: RawData = {
  users: [{ _id: 'u', created_at: ago(50) }],
  subscriptions: [],
  subscription_events: [
    { subscription_id: 's', user_id: 'u', effective_at: ago(40), status: 'active', plan: 'pro', mrr: 49 },
    { subscription_id: 't', user_id: 'v', effective_at: ago(40), status: 'active', plan: 'pro', mrr: 20 },
    { subscription_id: 't', user_id: 'v', effective_at: ago(9), status: 'cancelled', plan: 'pro', mrr: 20 },
  ],
  analytics_events: [{ event_type: 'login', user_id: 'u', timestamp: ago(1) }],
  marketing_spend: [],
  nps_responses: [],
  kpi_config: [],
}

beforeAll(async () => {
  server = await startDatabase({ port: 0 })
  client = new MongoClient(server.uri)
  await loadRawData(client.db('bi_dashboard'), data)
})

afterAll(async () => {
  await client.close()
  await server.close()
})

interface Outcome {
  readonly code: number
  readonly result: unknown
  readonly progress: string[]
}

/** Runs a command as `main` does; what it prints is read back from JSON. */
async function kpi(
  command: Command,
  positionals: string[],
  values: Record<string, string | boolean>,
): Promise<Outcome> {
  const progress: string[] = []
  let result: unknown
  const code = await command.run({
    values,
    positionals,
    json: true,
    uri: server.uri,
    appDir: repositoryRoot,
    secrets: {},
    output(value) {
      result = JSON.parse(JSON.stringify(value))
    },
    progress: (text) => progress.push(text),
  })
  return { code: code ?? 0, result, progress }
}

describe('atlas-edge kpi', () => {
  it('computes, backfills, verifies and explains with the functions as built', async () => {
    const dry = await kpi(compute, [], { 'as-of': '2024-01-20', 'dry-run': true })
    expect(dry).toMatchObject({
      code: 0,
      result: {
        snapshot_date: '2024-01-20T00:00:00.000Z',
        day: '2024-01-19T00:00:00.000Z',
        partial: false,
        metrics: naiveKpis(data, asOf),
      },
    })

    expect(await kpi(backfill, [], { from: '2024-01-18', to: '2024-01-20' })).toEqual({
      code: 0,
      result: { computed: 3, written: 3 },
      progress: ['3 of 3 snapshots, 3 written'],
    })

    const range = { from: '2024-01-18', to: '2024-01-21' }
    expect(await kpi(verify, [], range)).toMatchObject({
      code: 0,
      result: { checked: 3, differing: [], differing_rows: [], missing: ['2024-01-21T00:00:00.000Z'] },
    })
    await client
      .db('bi_dashboard')
      .collection('kpi_snapshots')
      .updateOne({ snapshot_date: new Date(asOf) }, { $set: { 'metrics.churn_rate': 1 } })
    expect(await kpi(verify, [], range)).toMatchObject({
      code: 1,
      result: {
        differing: [
          {
            snapshot_date: '2024-01-20T00:00:00.000Z',
            final: true,
            metrics: [{ name: 'churn_rate', stored: 1, computed: 50 }],
          },
        ],
      },
    })
    expect(await kpi(explain, ['churn_rate'], { 'as-of': '2024-01-20' })).toMatchObject({
      code: 0,
      result: {
        metric: 'churn_rate',
        value: 50,
        stored: 1,
        components: { churned_customers: 1, opening_customers: 2 },
        rows: [
          { user_id: 'u', opening_mrr: 49, churned: false },
          { user_id: 'v', opening_mrr: 20, churned: true },
        ],
      },
    })
    await expect(kpi(explain, ['churn'], { 'as-of': '2024-01-20' })).rejects.toThrow('unknown metric "churn"')
  }, 90_000)

  it.each([
    [compute, [], {}, '--as-of is required'],
    [compute, [], { 'as-of': 'soon' }, '--as-of soon is no date: write YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    [compute, [], { 'as-of': '2024-01-20', 'window-from': '2024-01-20' }, '--window-from must be before --as-of'],
    [backfill, [], { from: '2024-01-20', to: '2024-01-19' }, '--to is before --from'],
    [verify, [], { from: '2024-01-20T01:00:00Z', to: '2024-01-21' }, '--from must be a day: YYYY-MM-DD'],
    [backfill, [], { from: '2024-01-20', to: '9999-01-01' }, '--to must not be in the future: its day is not over'],
    [compute, ['mrr'], { 'as-of': '2024-01-20' }, 'unexpected argument "mrr"; days are given with options, see --help'],
    [explain, [], { 'as-of': '2024-01-20' }, 'name one metric, such as: kpi explain churn_rate'],
  ] as const)('refuses a wrong command line in one line', async (command, positionals, values, line) => {
    await expect(kpi(command, [...positionals], values)).rejects.toThrow(new UsageError(line))
  })
})
