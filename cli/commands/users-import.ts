import path from 'node:path'
import type { ImportedUsers } from '../../functions/importAuth0Users.ts'
import { type Command, requiredOption } from '../command.ts'
import { callIdentityFunction, hasLists } from '../identity/call-identity-function.ts'
import { ImportProgress, type ImportTotals } from '../identity/import-progress.ts'
import { openExport } from '../identity/read-export.ts'
import { openRuntime } from '../open-runtime.ts'

const batchSize = 1000
/** Of the lines that are no user, as many are named; the others are counted. */
const namedLines = 100

function isImported(value: unknown): value is ImportedUsers {
  return hasLists(value, 'invalid') && typeof Reflect.get(Object(value), 'created') === 'number'
}

export const command: Command = {
  name: 'users import',
  summary: 'Stores the users of an Auth0 export; restartable, and a second run changes nothing',
  usage: '--auth0-export FILE [--dry-run] [--app DIR] [--uri mongodb://...] [--json]',
  options: { 'auth0-export': { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async run(context) {
    const isDryRun = context.values['dry-run'] === true
    const source = await openExport(path.resolve(requiredOption(context, 'auth0-export')))
    const open = await openRuntime(context)
    try {
      const progress = new ImportProgress(open.client, open.runtime.built.definition.clientAppId, source.digest)
      const before = isDryRun ? undefined : await progress.read()
      const totals: ImportTotals = before ?? {
        lines: 0,
        users: 0,
        created: 0,
        changed: 0,
        invalid: 0,
        invalid_lines: [],
      }
      const resumedFrom = totals.lines
      if (resumedFrom > 0) context.progress(`going on after line ${resumedFrom}`)
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
        context.progress(`line ${totals.lines}: ${totals.created} created, ${totals.changed} changed`)
      }
      if (!isDryRun) await progress.clear()
      const { lines: _lines, ...report } = totals
      context.output({ ...report, dry_run: isDryRun, resumed_after_line: resumedFrom }, describe(totals, isDryRun))
      return 0
    } finally {
      await open.close()
    }
  },
}

function describe({ users, created, changed, invalid, invalid_lines }: ImportTotals, isDryRun: boolean): string {
  const verb = isDryRun ? 'would be ' : ''
  const text = `${users} users: ${created} ${verb}created, ${changed} ${verb}changed`
  return invalid === 0 ? text : `${text}; ${invalid} lines are no user: ${invalid_lines.slice(0, 10).join(', ')}`
}
