import path from 'node:path'
import { Findings } from '../app-folder/finding.ts'
import { FolderReader } from '../app-folder/folder-reader.ts'
import type { Finding, Severity } from '../app-folder/index.ts'
import { lintAppFolder } from '../app-folder/lint.ts'
import { type PrepareOptions, prepareApp } from '../build/index.ts'
import { checkBundling } from './check-bundling.ts'
import { checkFunctions } from './check-functions.ts'
import { checkParts } from './check-parts.ts'
import { checkRules } from './check-rules.ts'
import { checkSecrets } from './check-secrets.ts'

export interface CheckOptions extends PrepareOptions {
  /** Names of the secrets that exist; absent when none were given. */
  readonly secrets?: ReadonlySet<string>
}

/** `runs`: all of it. `partly`: some of what it holds does not. `fails`: nothing of it does. `ignored`: not served. */
export type FileStatus = 'runs' | 'partly' | 'fails' | 'ignored'

export interface FileReport {
  readonly file: string
  readonly status: FileStatus
  /** What the file holds, as in `function "hello"`. */
  readonly holds: string
  readonly findings: readonly Finding[]
}

export interface CheckReport {
  readonly app: {
    readonly name: string
    readonly clientAppId: string
    readonly environment: string
    readonly dir: string
  }
  /** False when something will not run. */
  readonly ok: boolean
  readonly files: readonly FileReport[]
  readonly summary: Readonly<Record<'functions' | 'functionsThatRun' | 'triggers' | 'endpoints' | Severity, number>>
}

/** Codes of findings after which nothing of their file runs. */
const wholeFile = new Set([
  'json-invalid',
  'file-unreadable',
  'function-syntax',
  'exports-missing',
  'trigger-without-function',
  'trigger-name-twice',
  'value-name-twice',
  'manifest-not-an-array',
  'endpoints-not-an-array',
  'providers-not-an-object',
  'third-party-service',
  'data-source-unsupported',
  'schedule-invalid',
])
const ignoredFile = new Set(['ended-part', 'log-forwarder', 'trigger-eventbridge'])
const severities: readonly Severity[] = ['error', 'warning', 'info']

/**
 * Says for every file of an app folder what of it will run, what will not, why, and the mend.
 *
 * @throws {AppFolderError} when the folder is no app
 */
export async function checkApp(options: CheckOptions): Promise<CheckReport> {
  const app = await prepareApp(options)
  const { definition, appDir } = app
  const more = new Findings()
  checkFunctions(definition, app.functions, more)
  await checkBundling(app, more)
  checkRules(definition, app.origins, more)
  checkSecrets(definition, app.origins, options.secrets, more)
  const findings = [
    ...app.findings,
    ...more.list,
    ...(await checkParts(appDir, app)),
    ...(await lintAppFolder(appDir, app)),
  ]
  const files = await reportFiles(appDir, findings)
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  return {
    app: {
      name: definition.name,
      clientAppId: definition.clientAppId,
      environment: definition.environment,
      dir: path.resolve(options.appDir),
    },
    ok: count('error') === 0,
    files,
    summary: {
      functions: definition.functions.length,
      functionsThatRun: definition.functions.filter(({ name }) => !Object.hasOwn(app.broken, name)).length,
      triggers: definition.triggers.length,
      endpoints: definition.endpoints.length,
      error: count('error'),
      warning: count('warning'),
      info: count('info'),
    },
  }
}

/** The folders of the layout, and what a file of each holds (spec: app folder 1). */
const layout: readonly { folder: string; holds: (name: string) => string; deep?: boolean }[] = [
  { folder: 'auth', holds: (name) => name.replace('_', ' ') },
  { folder: 'data_sources', holds: (name) => `data source: ${name}`, deep: true },
  { folder: 'environments', holds: (name) => `environment "${name}"` },
  { folder: 'functions', holds: (name) => `function "${name}"`, deep: true },
  { folder: 'http_endpoints', holds: () => 'endpoints' },
  { folder: 'https_endpoints', holds: () => 'endpoints' },
  { folder: 'triggers', holds: (name) => `trigger "${name}"` },
  { folder: 'values', holds: (name) => `value "${name}"` },
]

async function layoutFiles(reader: FolderReader): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const file of ['root_config.json', 'realm_config.json', '.mdb/meta.json', '.mdb/app_meta.json'])
    if ((await reader.text(file)) !== undefined)
      files.set(file, file.startsWith('.mdb') ? 'link to the deployed app' : 'app')
  const visit = async (folder: string, part: (typeof layout)[number]) => {
    for (const entry of await reader.list(folder)) {
      const file = `${folder}/${entry.name}`
      if (entry.name === 'node_modules') continue
      if (entry.isFolder) {
        if (part.deep) await visit(file, part)
        continue
      }
      const isScript = part.folder === 'functions' && entry.name.endsWith('.js')
      const isManifest = file === 'functions/config.json' || file === 'functions/package.json'
      if (!isScript && !(entry.name.endsWith('.json') && (part.folder !== 'functions' || isManifest))) continue
      const name = file.slice(part.folder.length + 1).replace(/\.js(?:on)?$/, '')
      files.set(file, isManifest ? 'functions' : part.holds(name))
    }
  }
  for (const part of layout) await visit(part.folder, part)
  return files
}

async function reportFiles(dir: string, findings: readonly Finding[]): Promise<FileReport[]> {
  const holds = await layoutFiles(new FolderReader(dir, new Findings()))
  const byFile = new Map<string, Finding[]>([...holds.keys()].map((file) => [file, []]))
  for (const finding of findings) byFile.set(finding.file, [...(byFile.get(finding.file) ?? []), finding])
  return [...byFile]
    .map(([file, own]) => ({
      file,
      status: statusOf(own),
      holds: holds.get(file) ?? file,
      findings: own.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity)),
    }))
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

function statusOf(findings: readonly Finding[]): FileStatus {
  if (findings.some(({ code }) => ignoredFile.has(code))) return 'ignored'
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (
    errors.some(
      ({ code, file }) => wholeFile.has(code) || (code === 'function-missing' && file.startsWith('triggers/')),
    )
  )
    return 'fails'
  return errors.length > 0 ? 'partly' : 'runs'
}
