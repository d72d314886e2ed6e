import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const fixtures = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'apps')

/** The folder of a fixture app. */
export function fixtureApp(name: string): string {
  return path.join(fixtures, name)
}

export interface TemporaryFolder {
  readonly dir: string
  remove(): Promise<void>
}

/** A folder of its own with these files: strings as they are, anything else as JSON. */
export async function temporaryFolder(files: Readonly<Record<string, unknown>> = {}): Promise<TemporaryFolder> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'atlas-edge-app-'))
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
