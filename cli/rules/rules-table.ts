import { MongoClient, ObjectId } from 'mongodb'
import { createRuntime } from '../../runtime/create-runtime.ts'
import { createScope, type ExpressionScope } from '../../runtime/expression/index.ts'
import { readDocument } from '../../runtime/rules/read-document.ts'
import { selectRole } from '../../runtime/rules/select-role.ts'
import { type CollectionRules, selectRules } from '../../runtime/rules/select-rules.ts'
import { type DocumentWrite, isWritePermitted } from '../../runtime/rules/write-document.ts'
import type { User } from '../../runtime/user.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'

export const operations = ['read', 'insert', 'update', 'delete'] as const
export type Operation = (typeof operations)[number]

/** Who asks: `custom_data` of a person or key. */
export const audiences = {
  viewer: { role: 'viewer' },
  analyst: { role: 'analyst' },
  admin: { role: 'admin' },
  'no role': {},
} as const
export type Audience = keyof typeof audiences

export interface RulesRow {
  /** `database.collection`; undefined for every collection without rules of its own. */
  readonly namespace: string | undefined
  readonly permitted: Readonly<Record<Audience, readonly Operation[]>>
}

/**
 * What each role may do in each collection, decided by the code that decides requests. The document asked about is an
 * arbitrary one: rules that look at documents answer for one that belongs to nobody.
 */
export async function rulesTable(definition: AppDefinition): Promise<RulesRow[]> {
  // Rules are evaluated without a server: this client never connects.
  const client = new MongoClient('mongodb://127.0.0.1')
  const runtime = createRuntime({
    built: { definition, functions: {}, broken: {}, packages: {} },
    clientFor: () => client,
    stateClient: client,
    secrets: {},
    now: () => new Date(),
    fetch,
    log: () => {},
  })
  const rows: RulesRow[] = []
  for (const source of definition.dataSources) {
    const named = source.collections.filter(({ rules }) => rules !== undefined && rules.roles.length > 0)
    const names = named.map(({ database, collection }) => ({ database, collection }))
    names.sort((a, b) => (a.collection < b.collection ? -1 : 1))
    const other = source.default_rule ? [{ database: names[0]?.database ?? 'any', collection: '' }] : []
    for (const { database, collection } of [...names, ...other]) {
      const rules = selectRules(runtime, { service: source.name, database, collection })
      const cells = Object.entries(audiences).map(async ([name, custom_data]) => {
        const user: User = { id: new ObjectId().toHexString(), type: 'normal', data: {}, custom_data, identities: [] }
        const scope = createScope(runtime, { user, runAsSystem: false, request: {}, requestId: 'rules-table' })
        return [name, await permittedOperations(rules, scope)] as const
      })
      const permitted: Record<Audience, readonly Operation[]> = {
        viewer: [],
        analyst: [],
        admin: [],
        'no role': [],
        ...Object.fromEntries(await Promise.all(cells)),
      }
      rows.push({ namespace: collection === '' ? undefined : `${database}.${collection}`, permitted })
    }
  }
  await client.close()
  return rows
}

async function permittedOperations({ roles }: CollectionRules, scope: ExpressionScope): Promise<Operation[]> {
  const before = { _id: new ObjectId(), field: 1 }
  const after = { ...before, field: 2 }
  const writes: readonly DocumentWrite[] = [
    { kind: 'insert', after, generatedId: true },
    { kind: 'update', before, after, touched: ['field'] },
    { kind: 'delete', before },
  ]
  const permitted: Operation[] = (await readDocument(roles, scope, before)) === undefined ? [] : ['read']
  for (const write of writes) {
    const stored = write.kind === 'insert' ? undefined : before
    const role = await selectRole(roles, { ...scope, root: stored ?? after, prevRoot: stored })
    if (role !== undefined && (await isWritePermitted(role, write, scope)))
      permitted.push(write.kind === 'replace' ? 'update' : write.kind)
  }
  return permitted
}

export const tableStart = '<!-- rules table: start, written by `cli rules table --write` -->'
export const tableEnd = '<!-- rules table: end -->'

/** The table as Markdown, with the markers around it. */
export function toMarkdown(rows: readonly RulesRow[]): string {
  const names = Object.keys(audiences).filter((name): name is Audience => Object.hasOwn(audiences, name))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const cell = (permitted: readonly Operation[]): string =>
    permitted.length === operations.length ? 'all' : permitted.length === 0 ? '-' : permitted.join(', ')
  return [
    tableStart,
    line(['collection', ...names, 'nobody']),
    line(Array.from({ length: names.length + 2 }, () => '---')),
    ...rows.map(({ namespace, permitted }) =>
      line([
        namespace === undefined ? 'any other' : `\`${namespace}\``,
        ...names.map((name) => cell(permitted[name])),
        '-',
      ]),
    ),
    tableEnd,
  ].join('\n')
}

/** `text` with the table between the markers replaced; undefined when it has no markers. */
export function withTable(text: string, table: string): string | undefined {
  const start = text.indexOf(tableStart)
  const end = text.indexOf(tableEnd)
  return start < 0 || end < start ? undefined : text.slice(0, start) + table + text.slice(end + tableEnd.length)
}
