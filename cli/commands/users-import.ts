import path from 'node:path'
import { type Command, requiredOption } from '../command.ts'
import type { ImportTotals } from '../identity/import-progress.ts'
import { importUsers } from '../identity/import-users.ts'
import { openExport } from '../identity/read-export.ts'
import { openRuntime } from '../open-runtime.ts'

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
      const { totals, resumedFrom } = await importUsers(open, source, isDryRun, context.progress)
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
