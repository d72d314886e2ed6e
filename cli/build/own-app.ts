import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { build, type Message, type OutputFile } from 'esbuild'
import { isJsonObject } from '../../schemas/app/json.ts'
import { loadAppFolder } from '../app-folder/index.ts'
import { lintAppFolder } from '../app-folder/lint.ts'
import { CommandError } from '../command.ts'
import { type EngineProblem, engineProblems, sourcePosition } from './engine-check.ts'
import { writeFolder } from './write-folder.ts'

/** What of the repository is part of the app that App Services accepts (spec: app folder 1). */
const appFolders = [
  'auth',
  'data_sources',
  'environments',
  'functions',
  'http_endpoints',
  'log_forwarders',
  'triggers',
  'values',
]

export interface OwnAppOptions {
  /** The app folder whose `functions/` are TypeScript. */
  readonly root: string
  /** The App Services folder to write, such as `dist/app`. */
  readonly outDir: string
}

export interface OwnAppResult {
  readonly outDir: string
  /** Relative paths of all files, sorted. */
  readonly files: readonly string[]
  readonly functions: readonly string[]
}

async function walkFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch(() => [])
  const nested = await Promise.all(
    entries.map((entry) => {
      const name = `${folder}/${entry.name}`
      if (entry.name === 'node_modules') return []
      return entry.isDirectory() ? walkFiles(root, name) : [name]
    }),
  )
  return nested.flat().sort()
}

const functionsFiles = ['functions/config.json', 'functions/package.json', 'functions/package-lock.json']

/** True for an app folder whose functions are TypeScript, as ours: it is compiled before it is run or deployed. */
export async function isTypeScriptApp(dir: string): Promise<boolean> {
  const files = await walkFiles(dir, 'functions')
  return files.some(isTypeScript) && !files.some((file) => file.endsWith('.js'))
}

function isTypeScript(file: string): boolean {
  return file.endsWith('.ts') && !file.endsWith('.d.ts')
}

/** A file is a function when it has a default export; others are shared code, bundled into those that import them. */
const defaultExport = /^\s*export\s+(?:default\b|\{[^}]*\bas\s+default\b)/m

async function functionFiles(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const file of await walkFiles(root, 'functions')) {
    if (!isTypeScript(file)) continue
    const text = await readFile(path.join(root, file), 'utf8')
    if (defaultExport.test(text)) found.set(file.slice('functions/'.length, -'.ts'.length), file)
  }
  return found
}

/** Binds the bundle's default export to the global that App Services calls, with its ambient context first. */
const footer = 'exports = function () { return __fn.default.apply(null, [context].concat([].slice.call(arguments))); };'

/**
 * Compiles an app whose functions are TypeScript into a folder that App Services accepts: one es2017 script per
 * function with everything it imports, and the JSON files.
 *
 * @throws {CommandError} one line per problem: file, what is wrong, and the mend
 */
export async function buildOwnApp(options: OwnAppOptions): Promise<OwnAppResult> {
  const { root, outDir } = options
  const functions = await functionFiles(root)
  const files = new Map<string, string>()
  const problems = [...(await manifestProblems(root, functions)), ...(await copyJson(root, files))]
  problems.push(...(await compile(root, functions, files)))
  if (problems.length > 0) throw new CommandError(problems.join('\n'))
  await assertDeployable(outDir, files)
  await writeFolder(outDir, files)
  return { outDir, files: [...files.keys()].sort(), functions: [...functions.keys()] }
}

/** Reads the result as App Services would before it takes the place of the last good one. */
async function assertDeployable(outDir: string, files: ReadonlyMap<string, string>): Promise<void> {
  const draft = `${outDir}.${randomUUID()}`
  try {
    await writeFolder(draft, files)
    const app = await loadAppFolder(draft)
    const all = [...app.findings, ...(await lintAppFolder(draft, app))]
    const serious = all.filter(({ severity }) => severity !== 'info')
    if (serious.length > 0)
      throw new CommandError(serious.map(({ file, message, mend }) => `${file}: ${message}; ${mend}`).join('\n'))
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function manifestProblems(root: string, functions: ReadonlyMap<string, string>): Promise<string[]> {
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(path.join(root, 'functions/config.json'), 'utf8'))
  } catch {
    return ['functions/config.json: missing or not valid JSON; write [{"name": "..."}, ...], one entry per function']
  }
  if (!Array.isArray(manifest)) return ['functions/config.json: not an array; write [{"name": "..."}, ...]']
  const listed = new Set(manifest.map((entry: unknown) => nameOf(entry)).filter((name) => name !== undefined))
  return [
    ...[...functions]
      .filter(([name]) => !listed.has(name))
      .map(([name, file]) => `${file}: not in functions/config.json; add {"name": "${name}", "private": true} to it`),
    ...[...listed]
      .filter((name) => !functions.has(name))
      .map(
        (name) =>
          `functions/config.json: "${name}" has no functions/${name}.ts with a default export; add it or remove the entry`,
      ),
  ]
}

function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('name' in entry)) return undefined
  return typeof entry.name === 'string' ? entry.name : undefined
}

/** App Services' own tools write four spaces and a final newline (spec: app folder 1). */
function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 4)}\n`
}

async function copyJson(root: string, files: Map<string, string>): Promise<string[]> {
  const problems: string[] = []
  const nested = await Promise.all(appFolders.map((folder) => walkFiles(root, folder)))
  const names = ['root_config.json', 'realm_config.json', '.mdb/meta.json', '.mdb/app_meta.json', ...nested.flat()]
  for (const name of names) {
    if (!name.endsWith('.json') || (name.startsWith('functions/') && !functionsFiles.includes(name))) continue
    const text = await readFile(path.join(root, name), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      const content: unknown = JSON.parse(text)
      if (/^(?:root|realm)_config\.json$/.test(name) && !isJsonObject(content))
        problems.push(`${name}: not an object; write {"config_version": 20210101, "name": "..."}`)
      files.set(name, formatJson(content))
    } catch (error) {
      problems.push(`${name}: not valid JSON (${error instanceof Error ? error.message : String(error)}); correct it`)
    }
  }
  // The newer CLI reads root_config.json, the older one realm_config.json: the folder serves both.
  for (const [from, to] of [
    ['realm_config.json', 'root_config.json'],
    ['root_config.json', 'realm_config.json'],
  ] as const) {
    const content = files.get(from)
    if (content !== undefined && !files.has(to)) files.set(to, content)
  }
  if (!files.has('realm_config.json'))
    problems.push('realm_config.json: missing; write {"config_version": 20210101, ...}')
  return problems
}

async function compile(
  root: string,
  functions: ReadonlyMap<string, string>,
  files: Map<string, string>,
): Promise<string[]> {
  if (functions.size === 0) return []
  let outputs: readonly OutputFile[]
  try {
    const result = await build({
      absWorkingDir: root,
      entryPoints: Object.fromEntries([...functions].map(([name, file]) => [name, path.join(root, file)])),
      outdir: path.join(root, 'functions'),
      bundle: true,
      write: false,
      format: 'iife',
      globalName: '__fn',
      target: 'es2017',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      charset: 'utf8',
      legalComments: 'none',
      sourcemap: 'external',
      sourcesContent: false,
      footer: { js: footer },
      tsconfigRaw: {},
      logLevel: 'silent',
    })
    outputs = result.outputFiles
  } catch (error) {
    if (typeof error !== 'object' || error === null || !('errors' in error) || !Array.isArray(error.errors)) throw error
    return error.errors.map(messageLine)
  }
  const texts = new Map(outputs.map((output) => [path.relative(root, output.path).replaceAll('\\', '/'), output.text]))
  const places = new Map<string, { problem: EngineProblem; source: string; functions: string[] }>()
  for (const [name, file] of functions) {
    const compiled = `functions/${name}.js`
    const script = texts.get(compiled) ?? ''
    files.set(compiled, script)
    const map = texts.get(`${compiled}.map`) ?? ''
    const found = engineProblems(script).map((problem) => ({ problem, position: sourcePosition(map, problem) }))
    // A helper of the bundler has no source; the code that needs it is reported at its own place.
    const located = new Set(found.filter(({ position }) => position).map(({ problem }) => problem.what))
    for (const { problem, position } of found) {
      if (position === undefined && located.has(problem.what)) continue
      const source = sourceOf(root, file, position)
      const key = `${source} ${problem.what}`
      const place = places.get(key) ?? { problem, source, functions: [] }
      if (!place.functions.includes(file)) place.functions.push(file)
      places.set(key, place)
    }
  }
  return [...places.values()].map(problemLine)
}

function messageLine(message: Message): string {
  const { location, text } = message
  return location === null ? text : `${location.file}:${location.line}: ${text}; correct it`
}

function sourceOf(root: string, file: string, position: { source: string; line: number } | undefined): string {
  if (position === undefined) return file
  const source = path.relative(root, path.resolve(root, 'functions', position.source)).replaceAll('\\', '/')
  return `${source}:${position.line}`
}

function problemLine(place: { problem: EngineProblem; source: string; functions: readonly string[] }): string {
  const { problem, source, functions } = place
  const [first = '', ...more] = functions
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  const via = source.startsWith(first) ? '' : ` (bundled into ${first}${others})`
  return `${source}: ${problem.what} does not exist in the App Services engine${via}; ${problem.mend}`
}
