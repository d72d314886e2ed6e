import { parseArgs } from 'node:util'
import { startDatabase } from '../../local/database/main.ts'
import type { Difference } from './compare.ts'
import { KNOWN_DEPARTURES } from './departures/list.ts'
import { runInParallel } from './parallel.ts'
import { revive } from './revive.ts'
import type { DifferentialOptions, DifferentialResult } from './run.ts'
import type { Scenario } from './scenario.ts'
import { DifferentialServer, ServerDownError } from './server.ts'
import { toSnippet } from './snippet.ts'

const USAGE = `usage: npm run differential -- --uri mongodb://... [options]
  --ops 2000              commands to run
  --seed 1                the same seed generates the same commands; random: others each time, to find bugs
  --max-differences 20    stop after so many
  --only find,update      commands to run
  --without 'name; name'  departures that are not excused, to see what they stand for; all: none is
  --revive 'command'      starts the server again after it went down (run by a shell)
  --jobs 1                how many scenarios run at a time, each in databases of its own; part of the seed
  --local-uri URI         in place of a local database of its own`

/** How long a server that went down may take to come back. */
const REVIVAL_MS = 60_000

/**
 * Prints every difference in its smallest form, how often each known departure explained one, and the totals.
 *
 * @returns the exit code: 0 no unexplained difference, 1 some, 2 usage, 3 the server went away
 */
async function main(): Promise<number> {
  const values = readArguments()
  if (typeof values === 'string') {
    console.error(values)
    return 2
  }
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const operations = Number(values.ops)
  const seed = values.seed === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const maxDifferences = Number(values['max-differences'])
  const without = values.without.split(';').map((name) => name.trim())
  const jobs = Number(values.jobs)
  const { uri } = values
  if (uri === undefined || ![operations, seed, maxDifferences, jobs].every(Number.isSafeInteger) || jobs < 1) {
    console.error(USAGE)
    return 2
  }
  const started = values['local-uri'] === undefined ? await startDatabase({ port: 0 }) : undefined
  const databaseName = `differential_${process.pid}`
  const localUri = started?.uri ?? values['local-uri'] ?? ''
  const pairs = Array.from({ length: jobs }, (_, job) => ({
    local: new DifferentialServer(localUri, `${databaseName}_${job}_local`),
    server: new DifferentialServer(uri, `${databaseName}_${job}`),
  }))
  const servers = pairs.map(({ server }) => server)
  console.log(`seed ${seed}`)
  try {
    const options: DifferentialOptions = {
      operations,
      seed,
      maxDifferences,
      only: values.only?.split(','),
      departures: KNOWN_DEPARTURES.filter(({ name }) => !without.includes(name) && !without.includes('all')),
      report,
      revive: (scenario) => {
        console.log(`--- the server went down\n${toSnippet(scenario)}`)
        const revival = { command: values.revive, deadlineMs: REVIVAL_MS, log: console.error }
        return Promise.all(servers.map((server) => revive(server, revival))).then(() => undefined)
      },
    }
    const result = await runInParallel(
      pairs.map(({ local, server }) => [local, server]),
      options,
    )
    reportKnown(result)
    return result.differences === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof ServerDownError)) throw error
    console.error(`the server went down and did not come back within ${REVIVAL_MS / 1000} s: ${error.message}`)
    return 3
  } finally {
    for (const { local, server } of pairs) {
      await local.close()
      await server.close()
    }
    await started?.close()
  }
}

/** The options, or what is wrong with them. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        uri: { type: 'string' },
        'local-uri': { type: 'string' },
        ops: { type: 'string', default: '2000' },
        seed: { type: 'string', default: '1' },
        'max-differences': { type: 'string', default: '20' },
        only: { type: 'string' },
        without: { type: 'string', default: '' },
        revive: { type: 'string' },
        jobs: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
  }
}

function report({ where, kind, local, server }: Difference, scenario: Scenario): void {
  console.log(`--- ${kind}${where === 'data' ? '' : ` of command ${where}`}`)
  console.log(toSnippet(scenario))
  console.log(`local:\n${local.replaceAll(/^/gm, '  ')}`)
  console.log(`server:\n${server.replaceAll(/^/gm, '  ')}`)
}

function reportKnown({ operations, scenarios, differences, known }: DifferentialResult): void {
  const rows = [...known].sort(([, a], [, b]) => b - a)
  for (const [name, count] of rows.filter(([, count]) => count > 0)) console.log(`known ${count} ${name}`)
  const unmet = rows.filter(([, count]) => count === 0).map(([name]) => name)
  if (unmet.length > 0) console.log(`not met: ${unmet.join('; ')}`)
  const total = rows.reduce((sum, [, count]) => sum + count, 0)
  console.log(
    `ran ${operations} operations in ${scenarios} scenarios, ${differences} differences, ${total} scenarios explained`,
  )
}

process.exitCode = await main()
