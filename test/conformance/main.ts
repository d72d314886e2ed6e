import { parseArgs } from 'node:util'
import { startDatabase } from '../../local/database/main.ts'
import { knownException } from './known-exceptions.ts'
import { type Outcome, runFiles } from './run-files.ts'

const USAGE = 'usage: npm run conformance -- <folder or file>... [--uri mongodb://...] [--filter text] [--verbose]'

/** Prints a line per failing test, the reasons of skips and the totals. @returns the exit code */
async function main(): Promise<number> {
  const parsed = readArguments()
  if (typeof parsed === 'string') {
    console.error(parsed)
    return 2
  }
  const { values, positionals } = parsed
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (positionals.length === 0) {
    console.error(USAGE)
    return 2
  }
  const local = values.uri === undefined ? await startDatabase({ port: 0 }) : undefined
  const outcomes: Outcome[] = []
  const report = (outcome: Outcome) => {
    outcomes.push(outcome)
    if (outcome.status === 'failed') {
      const known = knownException(outcome.name)
      console.log(
        known === undefined ? `failed  ${outcome.name}: ${outcome.reason}` : `known   ${outcome.name}: ${known}`,
      )
    } else if (values.verbose) {
      console.log(
        outcome.status === 'passed' ? `passed  ${outcome.name}` : `skipped ${outcome.name}: ${outcome.reason}`,
      )
    }
  }
  try {
    await runFiles(positionals, local?.uri ?? values.uri ?? '', report, values.filter)
  } finally {
    await local?.close()
  }
  return summarise(outcomes)
}

/** The arguments, or what is wrong with them. */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        uri: { type: 'string' },
        filter: { type: 'string' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
  }
}

function summarise(outcomes: readonly Outcome[]): number {
  const reasons = new Map<string, number>()
  for (const outcome of outcomes) {
    if (outcome.status === 'skipped') reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1)
    if (outcome.status === 'passed' && knownException(outcome.name) !== undefined) {
      console.log(`passes, but is listed as a known exception: ${outcome.name}`)
    }
  }
  for (const [reason, count] of [...reasons].sort()) console.log(`skipped ${count} for ${reason}`)
  const failed = outcomes.filter(({ status }) => status === 'failed')
  const passed = outcomes.filter(({ status }) => status === 'passed').length
  const unexplained = failed.filter(({ name }) => knownException(name) === undefined).length
  if (failed.length > 0) console.log(`of the failed, ${failed.length - unexplained} are known exceptions`)
  console.log(`passed ${passed} failed ${failed.length} skipped ${outcomes.length - passed - failed.length}`)
  return unexplained > 0 ? 1 : 0
}

process.exitCode = await main()
