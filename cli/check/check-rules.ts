import type { AppDefinition, Expression, FieldRule, Role, RuleSet } from '../../schemas/app/definition.ts'
import type { Findings } from '../app-folder/finding.ts'
import type { Origins } from '../app-folder/origins.ts'
import { eachMember } from '../app-folder/references.ts'

/** What `%%name` may stand for (spec: rules 5.2). */
const expansions = new Set([
  'true',
  'false',
  'user',
  'request',
  'values',
  'environment',
  'root',
  'prevRoot',
  'this',
  'prev',
  'partition',
  'args',
])
/** Operators of the expression language, written with `%` or `$` (spec: rules 5.3). */
const operators = new Set(
  'exists in nin eq ne gt gte lt lte and or not nor stringToOid oidToString stringToUuid uuidToString function'.split(
    ' ',
  ),
)

function isAlways(expression: Expression | undefined): boolean {
  if (expression === true) return true
  if (expression === undefined || expression === false) return false
  const entries = Object.entries(expression)
  return entries.length === 0 || (entries.length === 1 && entries[0]?.[0] === '%%true' && entries[0][1] === true)
}

function isNever(expression: Expression | undefined): boolean {
  return expression === false
}

/** True when a field rule, or one below it, may grant what `key` names. */
function grantsField(rule: FieldRule, key: 'read' | 'write'): boolean {
  const own = rule[key]
  if (own !== undefined && !isNever(own)) return true
  return Object.values(rule.fields ?? {}).some((inner) => grantsField(inner, key))
}

function grantsSomeField(role: Role, key: 'read' | 'write'): boolean {
  const additional = role.additional_fields?.[key]
  return (
    (additional !== undefined && !isNever(additional)) ||
    Object.values(role.fields ?? {}).some((rule) => grantsField(rule, key))
  )
}

/** Rules that contradict themselves: they run, and grant less than they seem to (spec: rules 4). */
export function checkRules(app: AppDefinition, origins: Origins, findings: Findings): void {
  const names = new Set(app.values.map((value) => value.name))
  for (const [rules, file] of origins.rules()) checkRuleSet(rules, file, names, findings)
  for (const source of app.dataSources)
    for (const { database, collection, rules } of source.collections)
      if ((rules === undefined || rules.roles.length === 0) && source.default_rule === undefined)
        findings.add('info', 'collection-without-roles', {
          file: `${origins.dataSource(source.name)}/${database}/${collection}`,
          subject: `${database}.${collection}`,
          message: `no role for "${database}.${collection}": users are refused, functions that run as system are not`,
          mend: 'add a role if users are meant to reach it',
        })
}

function checkRuleSet(rules: RuleSet, file: string, values: ReadonlySet<string>, findings: Findings): void {
  let always: string | undefined
  for (const role of rules.roles) {
    const warn = (code: string, message: string, mend: string) =>
      findings.add('warning', code, { file, subject: role.name, message: `role "${role.name}": ${message}`, mend })
    if (always !== undefined)
      warn('role-unreachable', `never applies, since "${always}" before it applies to everyone`, 'put it first')
    else if (isAlways(role.apply_when)) always = role.name
    if (isNever(role.write) && grantsSomeField(role, 'write'))
      warn('write-contradiction', '"write": false denies every write; its field writes never count', 'remove "write"')
    if (isNever(role.read) && !isAlways(role.write) && grantsSomeField(role, 'read'))
      warn('read-contradiction', '"read": false hides every document; its field reads never count', 'remove "read"')
    if (isNever(role.write) && isAlways(role.insert))
      warn(
        'insert-contradiction',
        '"write": false denies inserts too, although "insert" is true',
        'set "write" as well',
      )
    if (isNever(role.write) && isAlways(role.delete))
      warn(
        'delete-contradiction',
        '"write": false denies deletes too, although "delete" is true',
        'set "write" as well',
      )
    const filters = role.document_filters
    if (filters !== undefined && (filters.read === undefined || filters.write === undefined))
      warn(
        'document-filters-incomplete',
        `"document_filters" lacks ${filters.read === undefined ? '"read"' : '"write"'}, which then counts as true`,
        'write both',
      )
  }
  checkExpressions(rules, file, values, findings)
}

function checkExpressions(rules: RuleSet, file: string, values: ReadonlySet<string>, findings: Findings): void {
  const reported = new Set<string>()
  const report = (subject: string, message: string, mend: string) => {
    if (reported.has(subject)) return
    reported.add(subject)
    findings.add('warning', 'expression-unknown', { file, subject, message, mend })
  }
  const checkText = (text: string) => {
    const name = /^%%([A-Za-z]+)/.exec(text)?.[1]
    if (name !== undefined && !expansions.has(name))
      report(text, `"${text}" is no expansion; the expression is false`, 'use %%user, %%root, %%values, ...')
    const value = /^%%values\.([A-Za-z0-9_-]+)/.exec(text)?.[1]
    if (value !== undefined && !values.has(value))
      report(text, `"${text}" names a value that does not exist`, `add values/${value}.json`)
  }
  const expressions = rules.roles.flatMap((role) => [role, ...rules.filters.map((filter) => filter.apply_when)])
  // Roles and expressions are plain JSON; their types only name the members.
  eachMember(JSON.parse(JSON.stringify(expressions)), (key, value) => {
    checkText(key)
    for (const text of Array.isArray(value) ? value : [value]) if (typeof text === 'string') checkText(text)
    const operator = /^[%$]([A-Za-z]+)$/.exec(key)?.[1]
    if (operator !== undefined && !operators.has(operator))
      report(key, `"${key}" is no operator of rule expressions; the expression is false`, 'use a documented operator')
  })
}
