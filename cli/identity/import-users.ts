import type { ImportedUsers } from '../../functions/importAuth0Users.ts'
import type { OpenRuntime } from '../open-runtime.ts'
import { callIdentityFunction, hasLists } from './call-identity-function.ts'
import { ImportProgress, type ImportTotals } from './import-progress.ts'
import type { UserExport } from './read-export.ts'

const batchSize = 1000
/** Of the lines that are no user, as many are named; the others are counted. */
const namedLines = 100

function isImported(value: unknown): value is ImportedUsers {
  return hasLists(value, 'invalid') && typeof Reflect.get(Object(value), 'created') === 'number'
}

/** Stores an export, going on where a stopped import of the same file was; a dry run writes nothing. */
export async function importUsers(
  open: OpenRuntime,
  source: UserExport,
  isDryRun: boolean,
  tell: (text: string) => void,
): Promise<{ totals: ImportTotals; resumedFrom: number }> {
  const progress = new ImportProgress(open.client, open.runtime.built.definition.clientAppId, source.digest)
  const before = isDryRun ? undefined : await progress.read()
  const totals: ImportTotals = before ?? { lines: 0, users: 0, created: 0, changed: 0, invalid: 0, invalid_lines: [] }
  const resumedFrom = totals.lines
  if (resumedFrom > 0) tell(`going on after line ${resumedFrom}`)
  for await (const batch of source.batches(batchSize, totals.lines)) {
    const users = batch.map(({ value }) => value ?? null)
    const result = await callIdentityFunction(open, 'importAuth0Users', [users, isDryRun], isImported)
    totals.lines = batch.at(-1)?.number ?? totals.lines
    totals.users += batch.length - result.invalid.length
    totals.created += result.created
    totals.changed += result.changed
    totals.invalid += result.invalid.length
    const numbers = result.invalid.flatMap((index) => batch[index]?.number ?? [])
    totals.invalid_lines = [...totals.invalid_lines, ...numbers].slice(0, namedLines)
    if (!isDryRun) await progress.write(totals)
    tell(`line ${totals.lines}: ${totals.created} created, ${totals.changed} changed`)
  }
  if (!isDryRun) await progress.clear()
  return { totals, resumedFrom }
}
