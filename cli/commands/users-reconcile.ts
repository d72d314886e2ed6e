import path from 'node:path'
import { type Command, requiredOption } from '../command.ts'
import { openExport } from '../identity/read-export.ts'
import { type Differences, reconcileUsers } from '../identity/reconcile-users.ts'
import { openRuntime } from '../open-runtime.ts'

export const command: Command = {
  name: 'users reconcile',
  summary: 'Reports where the stored users and an Auth0 export differ, both ways; changes nothing',
  usage: '--auth0-export FILE [--app DIR] [--uri mongodb://...] [--json]',
  options: { 'auth0-export': { type: 'string' } },
  async run(context) {
    const source = await openExport(path.resolve(requiredOption(context, 'auth0-export')))
    const open = await openRuntime(context)
    try {
      const { users, ...found } = await reconcileUsers(open, source, context.progress)
      context.output({ users, ...found }, describe(found))
      return 0
    } finally {
      await open.close()
    }
  },
}

function describe({ missing, unknown, different, invalid_lines }: Differences): string {
  const examples = (ids: readonly string[]): string => (ids.length === 0 ? '' : `: ${ids.slice(0, 10).join(', ')}`)
  return [
    `${missing.length} in the export are not stored${examples(missing)}`,
    `${unknown.length} stored are not in the export${examples(unknown)}`,
    `${different.length} differ${examples(different.map(({ auth0_id, fields }) => `${auth0_id} (${fields.join(', ')})`))}`,
    ...(invalid_lines.length === 0
      ? []
      : [`${invalid_lines.length} lines are no user${examples(invalid_lines.map(String))}`]),
  ].join('\n')
}
