import { parseArgs } from 'node:util'
import { startDatabase } from '../../local/database/main.ts'
import type { Difference } from './compare.ts'
import { runDifferential } from './run.ts'
import type { Scenario } from './scenario.ts'
import { DifferentialServer } from './server.ts'
import { toSnippet } from './snippet.ts'

const USAGE =
  'usage: npm run differential -- --uri mongodb://... [--ops 2000] [--seed N] [--max-differences 20] [--only find,update] [--local-uri mongodb://...]'

/** Prints every difference in its smallest form and the totals. @returns the exit code */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      uri: { type: 'string' },
      'local-uri': { type: 'string' },
      ops: { type: 'string', default: '2000' },
      seed: { type: 'string' },
      'max-differences': { type: 'string', default: '20' },
      only: { type: 'string' },
    },
  })
  const operations = Number(values.ops)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const maxDifferences = Number(values['max-differences'])
  if (values.uri === undefined || ![operations, seed, maxDifferences].every(Number.isSafeInteger)) {
    console.error(USAGE)
    return 2
  }
  const started = values['local-uri'] === undefined ? await startDatabase({ port: 0 }) : undefined
  const databaseName = `differential_${process.pid}`
  const local = new DifferentialServer(started?.uri ?? values['local-uri'] ?? '', `${databaseName}_local`)
  const server = new DifferentialServer(values.uri, databaseName)
  console.log(`seed ${seed}`)
  try {
    const result = await runDifferential(local, server, {
      operations,
      seed,
      maxDifferences,
      only: values.only?.split(','),
      report,
    })
    let known = 0
    for (const [name, count] of [...result.known].sort()) {
      console.log(`known ${count} ${name}`)
      known += count
    }
    console.log(`ran ${result.operations} operations, ${result.differences} differences, ${known} known`)
    return result.differences === 0 ? 0 : 1
  } finally {
    await local.close()
    await server.close()
    await started?.close()
  }
}

function report({ where, kind, local, server }: Difference, scenario: Scenario): void {
  console.log(`--- ${kind}${where === 'data' ? '' : ` of command ${where}`}`)
  console.log(toSnippet(scenario))
  console.log(`local:\n${local.replaceAll(/^/gm, '  ')}`)
  console.log(`server:\n${server.replaceAll(/^/gm, '  ')}`)
}

process.exitCode = await main()
