import type { Expression, Json } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import { type Finding, Findings } from './finding.ts'
import { FolderReader } from './folder-reader.ts'
import type { LoadedApp } from './index.ts'
import { eachMember } from './references.ts'

/** Folders whose every file the CLI parses, whatever its extension (spec: app folder 12, row 5). */
const parsedFolders = ['triggers', 'values', 'log_forwarders', 'environments', 'graphql/custom_resolvers']

const locations = ['US-VA', 'US-OR', 'DE-FF', 'IE', 'AU', 'IN-MB', 'SG', 'BR-SP']
const objectName = /^[A-Za-z0-9_-]{1,64}$/
const valueName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/
const functionName = /^[A-Za-z0-9_\-/]+$/
const documentExpansion = /%%(?:root|prevRoot|this|prev)\b/

/**
 * What App Services, or its command line tools, would refuse in a folder that runs here: the rows of the validation
 * table (spec: app folder 12) that the loader does not need. Severity `warning` throughout.
 */
export async function lintAppFolder(
  dir: string,
  { definition: app, origins }: Pick<LoadedApp, 'definition' | 'origins'>,
): Promise<readonly Finding[]> {
  const findings = new Findings()
  const reader = new FolderReader(dir, findings)
  const warn = (code: string, file: string, subject: string, message: string, mend: string) =>
    findings.add('warning', code, { file, subject, message: `App Services refuses this: ${message}`, mend })

  await lintRoot(reader, warn)
  for (const folder of parsedFolders)
    for (const entry of await reader.list(folder)) {
      const file = `${folder}/${entry.name}`
      if (entry.isFolder) continue
      const content = await new FolderReader(dir, new Findings()).json(file)
      if (content.state !== 'read' || !isJsonObject(content.value))
        warn('deploy-not-json', file, entry.name, `a file of ${folder}/ must hold one JSON object`, 'move it elsewhere')
    }
  await lintCollections(reader, warn)
  for (const trigger of app.triggers)
    if (!objectName.test(trigger.name))
      warn('deploy-name', origins.trigger(trigger.name), trigger.name, `the trigger name "${trigger.name}"`, nameMend)
  for (const value of app.values) {
    const file = origins.value(value.name)
    if (!valueName.test(value.name)) warn('deploy-name', file, value.name, `the value name "${value.name}"`, nameMend)
    if (value.from_secret && !valueName.test(String(value.value)))
      warn('deploy-name', file, value.name, `the secret name "${String(value.value)}"`, nameMend)
  }
  for (const source of app.dataSources)
    if (!objectName.test(source.name)) {
      const file = `${origins.dataSource(source.name)}/config.json`
      warn('deploy-name', file, source.name, `the data source name "${source.name}"`, nameMend)
    }
  for (const [rules, file] of origins.rules()) {
    for (const filter of rules.filters)
      if (mentions(filter.apply_when, documentExpansion))
        warn(
          'deploy-filter-expansion',
          file,
          filter.name,
          `error validating rule: do not know how to expand '%%root' in the apply_when of filter "${filter.name}"`,
          'use %%user, %%request, %%values or %%environment there; a role sees the document',
        )
    for (const role of rules.roles)
      if (mentions(JSON.parse(JSON.stringify(role)), /%%args\b/))
        warn(
          'deploy-rule-expansion',
          file,
          role.name,
          `error validating rule: do not know how to expand '%%args' in role "${role.name}"`,
          'use the fields of the document',
        )
  }
  for (const { name } of app.functions)
    if (!functionName.test(name))
      warn(
        'deploy-name',
        'functions/config.json',
        name,
        `the function name "${name}"`,
        'use letters, digits, "_", "-" and "/"',
      )
  return findings.list
}

const nameMend = 'use at most 64 letters, digits, "_" and "-"'

type Warn = (code: string, file: string, subject: string, message: string, mend: string) => void

function mentions(value: Json | Expression | undefined, pattern: RegExp): boolean {
  if (typeof value === 'string') return pattern.test(value)
  let found = false
  eachMember(value, (key, member) => {
    const texts = Array.isArray(member) ? member : [member]
    if (pattern.test(key) || texts.some((text) => typeof text === 'string' && pattern.test(text))) found = true
  })
  return found
}

async function lintRoot(reader: FolderReader, warn: Warn): Promise<void> {
  for (const file of ['realm_config.json', 'root_config.json']) {
    const content = await reader.json(file)
    if (content.state !== 'read' || !isJsonObject(content.value)) continue
    const { config_version, name, location } = content.value
    if (file === 'realm_config.json' && !config_version)
      warn('deploy-config-version', file, 'app', 'no config_version', 'add "config_version": 20210101')
    if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,32}$/.test(name))
      warn('deploy-name', file, 'app', `the app name ${JSON.stringify(name)}`, 'use 1 to 32 letters, digits, "_", "-"')
    if (typeof location === 'string' && location !== '' && !locations.includes(location))
      warn('deploy-location', file, 'app', `unsupported location "${location}"`, `use one of ${locations.join(', ')}`)
  }
}

async function lintCollections(reader: FolderReader, warn: Warn): Promise<void> {
  for (const source of await reader.list('data_sources')) {
    if (!source.isFolder) continue
    for (const database of await reader.list(`data_sources/${source.name}`)) {
      if (!database.isFolder) continue
      for (const collection of await reader.list(`data_sources/${source.name}/${database.name}`)) {
        if (!collection.isFolder) continue
        const dir = `data_sources/${source.name}/${database.name}/${collection.name}`
        const names = new Set((await reader.list(dir)).map((entry) => entry.name))
        if (!names.has('rules.json') && !(names.has('schema.json') && names.has('relationships.json')))
          warn(
            'deploy-collection-files',
            dir,
            collection.name,
            `collection dir ${dir} should contain a rules.json file and/or both schema.json and relationships.json files`,
            `add rules.json with "database", "collection" and "roles"`,
          )
      }
    }
  }
}
