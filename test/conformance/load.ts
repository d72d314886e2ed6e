import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parse as parseYaml } from 'yaml'
import { InvalidTestError } from './errors.ts'
import { fromExtendedJson } from './extended-json.ts'
import { type TestFile, testFile } from './format.ts'

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

/**
 * One file in the unified test format.
 *
 * @returns undefined for a JSON or YAML file that is not such a file at all (it names no `schemaVersion`)
 * @throws {InvalidTestError} when the file is broken or of another major schema version
 */
export async function loadTestFile(name: string): Promise<TestFile | undefined> {
  const text = await readFile(name, 'utf8')
  let raw: unknown
  try {
    raw = name.endsWith('.json') ? JSON.parse(text) : parseYaml(text)
  } catch (error) {
    throw new InvalidTestError(`not readable: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown'}`)
  }
  if (typeof raw !== 'object' || raw === null || !('schemaVersion' in raw)) return undefined
  if (!/^1(\.|$)/.test(String(raw.schemaVersion))) {
    throw new InvalidTestError(`schema version ${String(raw.schemaVersion)} is not 1.x`)
  }
  const parsed = testFile.safeParse(fromExtendedJson(raw))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new InvalidTestError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not in the unified test format'}`)
}
