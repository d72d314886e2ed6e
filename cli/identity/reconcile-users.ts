import type { ComparedUsers } from '../../functions/compareAuth0Users.ts'
import type { OpenRuntime } from '../open-runtime.ts'
import { callIdentityFunction, hasLists } from './call-identity-function.ts'
import type { UserExport } from './read-export.ts'

const batchSize = 1000

export interface Differences {
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

/** Compares the stored users with an export, both ways. Reads only. */
export async function reconcileUsers(
  open: OpenRuntime,
  source: UserExport,
  tell: (text: string) => void,
): Promise<Differences & { users: number }> {
  const found: Differences = { missing: [], unknown: [], different: [], invalid_lines: [] }
  const exported = new Set<string>()
  for await (const batch of source.batches(batchSize, 0)) {
    const users = batch.map(({ value }) => value ?? null)
    const compared = await callIdentityFunction(open, 'compareAuth0Users', [users], isCompared)
    for (const id of compared.accounts) exported.add(id)
    found.missing.push(...compared.missing)
    found.different.push(...compared.different)
    found.invalid_lines.push(...compared.invalid.flatMap((index) => batch[index]?.number ?? []))
    tell(`line ${batch.at(-1)?.number}: ${exported.size} users compared`)
  }
  for await (const id of storedAccounts(open)) if (!exported.has(id)) found.unknown.push(id)
  return { users: exported.size, ...found }
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
