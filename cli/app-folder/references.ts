import type { AppDefinition, Expression, Json, RuleSet } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import { databaseOperations, deploymentOperations, documentOperations } from '../../schemas/app/trigger-file.ts'
import { cronProblem } from './cron.ts'
import type { Findings } from './finding.ts'
import type { Origins } from './origins.ts'

/** Finds what one file of the app expects of another and does not get. */
export function checkReferences(app: AppDefinition, origins: Origins, findings: Findings): void {
  const functions = new Set(app.functions.map((config) => config.name))
  const sources = new Set(app.dataSources.map((source) => source.name))
  checkTriggers(app, functions, sources, origins, findings)
  for (const endpoint of app.endpoints) {
    const subject = `${endpoint.http_method} ${endpoint.route}`
    const file = origins.endpoint(endpoint.http_method, endpoint.route)
    if (!functions.has(endpoint.function_name))
      missingFunction(findings, file, subject, `endpoint ${subject}`, endpoint.function_name)
    if (endpoint.validation_method !== 'NO_VALIDATION' && endpoint.secret_name === '')
      findings.add('error', 'endpoint-without-secret', {
        file,
        subject,
        message: `endpoint ${subject} checks ${endpoint.validation_method} but names no secret; every call is refused`,
        mend: 'add "secret_name"',
      })
  }
  for (const provider of Object.values(app.authProviders))
    for (const [key, used] of [
      ['confirmationFunctionName', provider.config.runConfirmationFunction === true],
      ['resetFunctionName', provider.config.runResetFunction === true],
      ['authFunctionName', provider.type === 'custom-function'],
    ] as const) {
      const name = provider.config[key]
      if (used && !provider.disabled && (typeof name !== 'string' || !functions.has(name)))
        missingFunction(
          findings,
          'auth/providers.json',
          provider.type,
          `provider "${provider.type}"`,
          String(name ?? ''),
        )
    }
  const userData = app.customUserData
  if (userData?.enabled && !sources.has(userData.mongo_service_name))
    missingSource(findings, 'auth/custom_user_data.json', 'custom user data', userData.mongo_service_name)
  if (userData?.on_user_creation_function_name && !functions.has(userData.on_user_creation_function_name))
    missingFunction(
      findings,
      'auth/custom_user_data.json',
      'user creation',
      'user creation',
      userData.on_user_creation_function_name,
    )
  for (const [rules, file] of origins.rules()) checkRules(rules, file, functions, findings)
}

function missingFunction(findings: Findings, file: string, subject: string, owner: string, name: string): void {
  findings.add('error', 'function-missing', {
    file,
    subject,
    message: name === '' ? `${owner} names no function` : `${owner} names the function "${name}", which does not exist`,
    mend: name === '' ? 'name a function' : `add functions/${name}.js, or name another function`,
  })
}

function missingSource(findings: Findings, file: string, subject: string, name: string): void {
  findings.add('error', 'data-source-missing', {
    file,
    subject,
    message: `${subject} names the data source "${name}", which does not exist`,
    mend: `add data_sources/${name}/config.json, or name another data source`,
  })
}

function checkTriggers(
  app: AppDefinition,
  functions: ReadonlySet<string>,
  sources: ReadonlySet<string>,
  origins: Origins,
  findings: Findings,
): void {
  for (const trigger of app.triggers) {
    const file = origins.trigger(trigger.name)
    const owner = `trigger "${trigger.name}"`
    const { function_name } = trigger
    if (function_name !== undefined && !functions.has(function_name))
      missingFunction(findings, file, trigger.name, owner, function_name)
    const add = (severity: 'error' | 'warning', code: string, message: string, mend: string) =>
      findings.add(severity, code, { file, subject: trigger.name, message: `${owner}: ${message}`, mend })
    if (trigger.type === 'SCHEDULED') {
      const problem = cronProblem(trigger.config.schedule)
      if (problem !== undefined)
        add(
          'error',
          'schedule-invalid',
          `the schedule "${trigger.config.schedule}" never fires: ${problem}`,
          'correct it',
        )
      continue
    }
    if (trigger.type === 'AUTHENTICATION') {
      if (trigger.config.operation_types.length === 0)
        add('error', 'trigger-without-operation', 'names no operation_type; it never fires', 'add "operation_type"')
      continue
    }
    const { config } = trigger
    if (!sources.has(config.service_name)) missingSource(findings, file, owner, config.service_name)
    if (config.operation_types.length === 0)
      add('error', 'trigger-without-operation', 'names no operation_types; it never fires', 'add "operation_types"')
    const allowed = [
      ...documentOperations,
      ...(config.collection === '' ? databaseOperations : []),
      ...(config.database === '' ? deploymentOperations : []),
    ]
    for (const type of config.operation_types)
      if (!allowed.includes(type))
        add(
          'warning',
          'operation-type-unknown',
          `"${type}" is no event of what it watches`,
          `use ${allowed.join(', ')}`,
        )
    const project = Object.keys(config.project)
    if (project.length > 0 && !project.includes('operationType'))
      add(
        'warning',
        'project-without-operation-type',
        'its project must include operationType',
        'add "operationType": 1',
      )
    if (config.maximum_throughput && !config.unordered)
      add('warning', 'throughput-ordered', 'maximum_throughput needs unordered events', 'set "unordered": true')
  }
}

/** Calls `visit` for every object member below a JSON value. */
export function eachMember(value: Json | Expression | undefined, visit: (key: string, value: Json) => void): void {
  const pending: Json[] = [value ?? null]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (Array.isArray(next)) pending.push(...next)
    else if (isJsonObject(next))
      for (const [key, member] of Object.entries(next)) {
        visit(key, member)
        pending.push(member)
      }
  }
}

function checkRules(rules: RuleSet, file: string, functions: ReadonlySet<string>, findings: Findings): void {
  const reported = new Set<string>()
  // A rule set is plain JSON; its type only names the members.
  eachMember(JSON.parse(JSON.stringify(rules)), (key, value) => {
    if (key !== '%function' && key !== '$function') return
    const name = isJsonObject(value) ? value.name : undefined
    if (typeof name !== 'string' || functions.has(name) || reported.has(name)) return
    reported.add(name)
    findings.add('error', 'function-missing', {
      file,
      subject: name,
      message: `an expression calls the function "${name}", which does not exist; it is false`,
      mend: `add functions/${name}.js, or change the expression`,
    })
  })
}
