import { filterFile, roleFile, rulesFile } from '../../schemas/app/data-source-file.ts'
import type { RuleSet } from '../../schemas/app/definition.ts'
import { closedExpression } from './closed.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

export interface RulesContent {
  readonly database: string | undefined
  readonly collection: string | undefined
  readonly rules: RuleSet
}

/** Keys without a value are left out: an absent permission and an undefined one must look the same. */
function compact<T extends object>(value: T): T {
  for (const key of Object.keys(value)) if (Reflect.get(value, key) === undefined) Reflect.deleteProperty(value, key)
  return value
}

/** A `rules.json` or `default_rule.json`, each role and filter read by itself. */
export function readRules(reader: FolderReader, file: string, value: unknown): RulesContent | undefined {
  const { findings } = reader
  const content = readItem(rulesFile, value, { findings, file, subject: 'rules', severity: 'error' })
  if (content === undefined) return undefined
  const rules: RuleSet = { roles: [], filters: [] }
  for (const [index, entry] of (content.roles ?? []).entries()) {
    const subject = `role ${nameOf(entry) ?? index}`
    const role = readItem(roleFile, withClosedApplyWhen(entry, reader, file, subject), {
      findings,
      file,
      subject,
      severity: 'error',
      repair: closedExpression,
    })
    if (role !== undefined) rules.roles.push(compact({ ...role, name: role.name ?? `role ${index}` }))
  }
  for (const [index, entry] of (content.filters ?? []).entries()) {
    const subject = `filter ${nameOf(entry) ?? index}`
    const filter = readItem(filterFile, entry, { findings, file, subject, severity: 'error', repair: closedFilter })
    if (filter === undefined) continue
    const { project, ...rest } = filter
    const projection = rest.projection ?? project
    rules.filters.push(compact({ ...rest, name: filter.name ?? `filter ${index}`, projection }))
  }
  reader.origins.setRules(rules, file)
  return { database: content.database, collection: content.collection, rules }
}

function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('name' in entry)) return undefined
  return typeof entry.name === 'string' ? `"${entry.name}"` : undefined
}

/** A role that never says when it applies must not apply to everyone. */
function withClosedApplyWhen(entry: unknown, reader: FolderReader, file: string, subject: string): unknown {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry
  if ('apply_when' in entry && entry.apply_when !== null) return entry
  reader.findings.add('error', 'role-without-apply-when', {
    file,
    subject,
    message: `${subject} has no apply_when; it applies to nobody`,
    mend: 'add "apply_when": {} if it is meant for everyone',
  })
  return { ...entry, apply_when: false }
}

/** A filter narrows: one that cannot be read must not vanish, so it applies always and lets nothing through. */
function closedFilter(path: readonly PropertyKey[]): unknown {
  if (path[0] === 'apply_when') return true
  if (path[0] === 'query') return { _id: { $in: [] } }
  return undefined
}
