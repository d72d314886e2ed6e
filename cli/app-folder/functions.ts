import type { FunctionConfig } from '../../schemas/app/definition.ts'
import { functionFile } from '../../schemas/app/function-file.ts'
import { unlistedFunction } from '../../schemas/app/unlisted-function.ts'
import { closedExpression } from './closed.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

/** The source of one function, or of a script that a configuration file carries as a string. */
export interface FunctionSource {
  readonly name: string
  /** Path inside the app folder, with `/`. */
  readonly file: string
  readonly text: string
  /** True for a script held by a configuration file: it has no manifest entry and cannot be called by name. */
  readonly generated: boolean
}

const manifest = 'functions/config.json'

/** Every `*.js` below `functions/` except in `node_modules`, as the CLI walks it (spec: app folder 3). */
export async function readFunctionSources(reader: FolderReader, folder = 'functions'): Promise<FunctionSource[]> {
  const sources: FunctionSource[] = []
  for (const entry of await reader.list(folder)) {
    if (entry.name === 'node_modules') continue
    const file = `${folder}/${entry.name}`
    if (entry.isFolder) sources.push(...(await readFunctionSources(reader, file)))
    else if (entry.name.endsWith('.js')) {
      const text = await reader.text(file)
      const name = file.slice('functions/'.length, -'.js'.length)
      if (text !== undefined) sources.push({ name, file, text, generated: false })
    }
  }
  return sources
}

/** Name of the generated function for a run-as script; `%` keeps it out of the names that a file can have. */
export function runAsScriptName(owner: string): string {
  return `%run_as_user/${owner}`
}

/** Manifest entries in file order, then the files it lacks; run-as scripts are added to `sources`. */
export async function readFunctions(reader: FolderReader, sources: FunctionSource[]): Promise<FunctionConfig[]> {
  const { findings } = reader
  const functions = new Map<string, FunctionConfig>()
  const content = await reader.json(manifest)
  let entries: unknown[] = []
  if (content.state === 'read') {
    if (Array.isArray(content.value)) entries = content.value
    else
      findings.add('error', 'manifest-not-an-array', {
        file: manifest,
        message: 'the manifest must be an array of objects; every function is private until then',
        mend: 'write [{"name": "..."}, ...]',
      })
  }
  entries = [...entries, ...(await readOwnManifests(reader, sources, entries))]
  takeFromSubfolders(reader, sources, entries)
  const files = new Set(sources.map((source) => source.name))
  for (const [index, value] of entries.entries()) {
    const entry = readItem(functionFile, value, {
      findings,
      file: manifest,
      subject: entryTitle(value) ?? `entry ${index}`,
      severity: 'error',
      repair: closedExpression,
    })
    if (entry === undefined) continue
    const name = files.has(entry.name) ? entry.name : entry.name.replace(/\.js$/, '')
    if (functions.has(name)) {
      findings.add('warning', 'function-listed-twice', {
        file: manifest,
        subject: name,
        message: `"${name}" is listed twice; the first entry counts`,
        mend: 'remove the other entry',
      })
      continue
    }
    const scriptSource = entry.run_as_user_id_script_source ?? ''
    const hasScript = scriptSource.trim() !== ''
    if (hasScript) sources.push({ name: runAsScriptName(name), file: manifest, text: scriptSource, generated: true })
    if (hasScript && entry.run_as_user_id)
      findings.add('error', 'run-as-both', {
        file: manifest,
        subject: name,
        message: `"${name}" has both run_as_user_id and run_as_user_id_script_source; App Services refuses that`,
        mend: 'keep one of them; the script counts until then',
      })
    functions.set(name, {
      name,
      private: entry.private ?? false,
      can_evaluate: entry.can_evaluate ?? true,
      disable_arg_logs: entry.disable_arg_logs ?? false,
      run_as_system: entry.run_as_system ?? false,
      run_as_user_id: hasScript ? '' : (entry.run_as_user_id ?? ''),
      run_as_user_id_script: hasScript ? runAsScriptName(name) : '',
      listed: true,
    })
  }
  for (const source of sources) {
    if (source.generated || functions.has(source.name)) continue
    functions.set(source.name, unlistedFunction(source.name))
    findings.add('warning', 'function-unlisted', {
      file: source.file,
      subject: source.name,
      message: `"${source.name}" is not in ${manifest}: private, run by triggers, endpoints and other functions only`,
      mend: `add {"name": "${source.name}"} to ${manifest}, or remove the file`,
    })
  }
  for (const { name } of functions.values()) if (!files.has(name)) reportMissingFile(reader, name, files)
  return [...functions.values()]
}

function entryName(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
  return typeof value.name === 'string' ? value.name : undefined
}

function entryTitle(value: unknown): string | undefined {
  const name = entryName(value)
  return name === undefined ? undefined : `function "${name}"`
}

function rename(sources: FunctionSource[], source: FunctionSource, name: string): void {
  sources[sources.indexOf(source)] = { ...source, name }
}

/**
 * Functions in the form of older layouts, `<name>/source.js` beside a `config.json` of its own, which half-converted
 * folders still hold: they get the name of that file, or of their folder when the manifest lists it. Returns the entries
 * that the manifest lacks.
 */
async function readOwnManifests(
  reader: FolderReader,
  sources: FunctionSource[],
  entries: readonly unknown[],
): Promise<unknown[]> {
  const listed = new Set(entries.map((entry) => entryName(entry)))
  const files = new Set(sources.map((source) => source.name))
  const own: unknown[] = []
  for (const source of [...sources]) {
    if (source.generated || !source.name.endsWith('/source') || listed.has(source.name)) continue
    const content = await reader.json(`${source.file.slice(0, -'source.js'.length)}config.json`)
    const folderName = source.name.slice(0, -'/source'.length)
    const settings = content.state === 'read' ? content.value : undefined
    const name = entryName(settings) ?? (listed.has(folderName) ? folderName : undefined)
    if (name === undefined || files.has(name)) continue
    const isListed = listed.has(name)
    if (!isListed) own.push(settings)
    listed.add(name)
    files.add(name)
    rename(sources, source, name)
    reader.findings.add('warning', 'function-old-layout', {
      file: source.file,
      subject: name,
      message: `"${name}" has the form of an older layout; it runs with the settings ${isListed ? `in ${manifest}` : 'beside it'}`,
      mend: isListed
        ? `move it to functions/${name}.js`
        : `move it to functions/${name}.js and its settings to ${manifest}`,
    })
  }
  return own
}

/** Manifests that name a function by its file's name alone, while the file is in a sub-folder: one such file is meant. */
function takeFromSubfolders(reader: FolderReader, sources: FunctionSource[], entries: readonly unknown[]): void {
  const listed = new Set(entries.map((entry) => entryName(entry)))
  const byName = new Map(sources.map((source) => [source.name, source]))
  for (const name of listed) {
    if (name === undefined || byName.has(name) || name.includes('/')) continue
    const candidates = sources.filter((source) => source.name.endsWith(`/${name}`) && !listed.has(source.name))
    const [source] = candidates
    if (source === undefined || candidates.length > 1) continue
    rename(sources, source, name)
    reader.findings.add('warning', 'function-elsewhere', {
      file: source.file,
      subject: name,
      message: `${manifest} calls this file "${name}", which App Services would look for in functions/${name}.js`,
      mend: `list it as "${source.name}", or move the file`,
    })
  }
}

function reportMissingFile(reader: FolderReader, name: string, files: ReadonlySet<string>): void {
  const otherCase = [...files].find((file) => file.toLowerCase() === name.toLowerCase())
  reader.findings.add('error', 'function-file-missing', {
    file: manifest,
    subject: name,
    message: `"${name}" has no file functions/${name}.js; calling it answers FunctionNotFound`,
    mend:
      otherCase === undefined
        ? `add functions/${name}.js, or remove the entry`
        : `rename functions/${otherCase}.js to functions/${name}.js: names differ in case only`,
  })
}
