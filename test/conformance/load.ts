import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parse as parseYaml } from 'yaml'
import { InvalidTestError } from './errors.ts'
import { fromExtendedJson } from './extended-json.ts'
import { describeIssue, isJson, type TestFile, testFile } from './format.ts'

const READABLE = /\.(json|ya?ml)$/

/** The test files under `paths` (files or folders, walked in depth), sorted; a YAML file with a JSON twin is left out. */
export async function findTestFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const name of paths) {
    if ((await stat(name)).isFile()) {
      found.add(path.normalize(name))
      continue
    }
    const entries = await readdir(name, { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (entry.isFile() && READABLE.test(entry.name)) found.add(path.join(entry.parentPath, entry.name))
    }
  }
  return [...found].filter((name) => !/\.ya?ml$/.test(name) || !found.has(name.replace(/ya?ml$/, 'json'))).sort()
}

/** The latest minor version of schema 1 whose keys `format.ts` has all of; later ones may have more. */
const KNOWN_MINOR = 21

/**
 * One file in the unified test format.
 *
 * @returns undefined for a JSON or YAML file that is not such a file at all (it names no `schemaVersion`)
 * @throws {InvalidTestError} when the file is broken, malformed or of another major schema version
 */
export async function loadTestFile(name: string): Promise<TestFile | undefined> {
  const text = await readFile(name, 'utf8')
  let raw: unknown
  try {
    raw = name.endsWith('.json') ? JSON.parse(text) : parseYaml(text)
  } catch (error) {
    throw new InvalidTestError(`not readable: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown'}`)
  }
  if (!isJson(raw) || !('schemaVersion' in raw)) return undefined
  const [, minor] = /^1\.(\d+)(\.\d+)?$/.exec(String(raw.schemaVersion)) ?? []
  if (minor === undefined) throw new InvalidTestError(`schema version ${String(raw.schemaVersion)} is not 1.x`)
  let content: unknown
  try {
    content = fromExtendedJson(raw)
  } catch (error) {
    throw new InvalidTestError(`Extended JSON: ${error instanceof Error ? error.message : 'unknown'}`)
  }
  return parse(content, Number(minor) > KNOWN_MINOR)
}

/** @param lenient leaves out keys that nobody here knows @throws {InvalidTestError} */
function parse(content: unknown, lenient: boolean): TestFile {
  const parsed = testFile.safeParse(content)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  if (lenient && issues.every((issue) => issue.code === 'unrecognized_keys')) {
    for (const issue of issues) removeKeys(content, issue.path, issue.keys)
    return parse(content, false)
  }
  throw new InvalidTestError(describeIssue(parsed.error))
}

function removeKeys(content: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let place: unknown = content
  for (const part of path) place = Object(place)[part]
  for (const key of keys) if (isJson(place)) delete place[key]
}
