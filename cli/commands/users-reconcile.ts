import path from 'node:path'
import type { ComparedUsers } from '../../functions/compareAuth0Users.ts'
import { type Command, requiredOption } from '../command.ts'
import { callIdentityFunction, hasLists } from '../identity/call-identity-function.ts'
import { openExport } from '../identity/read-export.ts'
import { type OpenRuntime, openRuntime } from '../open-runtime.ts'

const batchSize = 1000

interface Differences {
  /** In the export, not stored. */
  missing: string[]
  /** Stored and not deleted, not in the export. */
  unknown: string[]
  different: ComparedUsers['different'][number][]
  /** Line numbers of what is no user. */
  invalid_lines: number[]
}

function isCompared(value: unknown): value is ComparedUsers {
  return hasLists(value, 'missing', 'different', 'accounts', 'invalid')
}

function isPage(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string')
}

export const command: Command = {
  name: 'users reconcile',
  summary: 'Reports where the stored users and an Auth0 export differ, both ways; changes nothing',
  usage: '--auth0-export FILE [--app DIR] [--uri mongodb://...] [--json]',
  options: { 'auth0-export': { type: 'string' } },
  async run(context) {
    const source = await openExport(path.resolve(requiredOption(context, 'auth0-export')))
    const open = await openRuntime(context)
    try {
      const found: Differences = { missing: [], unknown: [], different: [], invalid_lines: [] }
      const exported = new Set<string>()
      for await (const batch of source.batches(batchSize, 0)) {
        const users = batch.map(({ value }) => value ?? null)
        const compared = await callIdentityFunction(open, 'compareAuth0Users', [users], isCompared)
        for (const id of compared.accounts) exported.add(id)
        found.missing.push(...compared.missing)
        found.different.push(...compared.different)
        found.invalid_lines.push(...compared.invalid.flatMap((index) => batch[index]?.number ?? []))
        context.progress(`line ${batch.at(-1)?.number}: ${exported.size} users compared`)
      }
      for await (const id of storedAccounts(open)) if (!exported.has(id)) found.unknown.push(id)
      context.output({ users: exported.size, ...found }, describe(found))
      return 0
    } finally {
      await open.close()
    }
  },
}

async function* storedAccounts(open: OpenRuntime): AsyncGenerator<string> {
  let after = ''
  for (;;) {
    const page = await callIdentityFunction(open, 'listAuth0Users', [after], isPage)
    const last = page.at(-1)
    if (last === undefined) return
    yield* page
    after = last
  }
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
