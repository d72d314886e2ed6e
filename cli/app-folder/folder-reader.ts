import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Findings } from './finding.ts'
import { Origins } from './origins.ts'

/** A file that is there but does not hold JSON is not the same as one that is missing. */
export type JsonFile = { state: 'missing' } | { state: 'broken' } | { state: 'read'; value: unknown }

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** Reads files of one app folder by relative path; what cannot be read becomes a finding. */
export class FolderReader {
  readonly dir: string
  readonly findings: Findings
  readonly origins = new Origins()
  /** Applied to every JSON value read; the environment of the app, once it is known. */
  resolve: (value: unknown, file: string) => unknown = (value) => value

  constructor(dir: string, findings: Findings) {
    this.dir = dir
    this.findings = findings
  }

  async text(file: string): Promise<string | undefined> {
    try {
      return (await readFile(path.join(this.dir, file), 'utf8')).replace(/^\uFEFF/, '')
    } catch (error) {
      if (isMissing(error)) return undefined
      this.findings.add('error', 'file-unreadable', {
        file,
        message: `cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'})`,
        mend: 'make it a readable file, or remove it',
      })
      return undefined
    }
  }

  /** A file that is not named `.json` may still be one; if it is none, it is somebody's note and not a fault. */
  async json(file: string): Promise<JsonFile> {
    const text = await this.text(file)
    if (text === undefined) return { state: 'missing' }
    try {
      const value: unknown = JSON.parse(text)
      // An export writes null where a list or object has no members.
      if (value === null) return { state: 'missing' }
      return { state: 'read', value: this.resolve(value, file) }
    } catch (error) {
      if (!file.endsWith('.json')) return { state: 'missing' }
      this.findings.add('error', 'json-invalid', {
        file,
        message: text.trim() === '' ? 'the file is empty' : `not valid JSON: ${reasonOf(error)}`,
        mend: 'correct the JSON, or remove the file; it is ignored until then',
      })
      return { state: 'broken' }
    }
  }

  /** Entries of a folder, sorted by name; none when it does not exist. Symbolic links to folders are not followed. */
  async list(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
    try {
      const entries = await readdir(path.join(this.dir, folder), { withFileTypes: true })
      return entries
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch {
      return []
    }
  }
}
