import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { unzipSync } from 'fflate'
import { parseTar, parseTarGzip } from 'nanotar'

/** In the order in which the CLI looks for them (spec: app folder 3). */
export const archiveNames = ['node_modules.zip', 'node_modules.tar', 'node_modules.tgz', 'node_modules.tar.gz']

async function entriesOf(name: string, content: Uint8Array): Promise<[string, Uint8Array][]> {
  if (name.endsWith('.zip')) return Object.entries(unzipSync(content))
  const items = name.endsWith('.tar') ? parseTar(content) : await parseTarGzip(content)
  return items
    .flatMap((item) => (item.type === 'file' && item.data !== undefined ? [[item.name, item.data] as const] : []))
    .map(([file, data]): [string, Uint8Array] => [file, data])
}

/** Where an entry goes below the folder; undefined for what would leave it, and for folders. */
function placeOf(entry: string): string | undefined {
  const parts = entry
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  if (entry.endsWith('/') || parts.length === 0 || parts.includes('..')) return undefined
  return (parts[0] === 'node_modules' ? parts : ['node_modules', ...parts]).join('/')
}

/**
 * Unpacks a shipped archive of packages into the cache, once per content.
 *
 * @returns the folder that holds `node_modules`, or why there is none
 */
export async function unpackPackages(
  functionsDir: string,
  cacheDir: string,
): Promise<{ folder: string } | { failure: string } | undefined> {
  const name = archiveNames.find((candidate) => existsSync(path.join(functionsDir, candidate)))
  if (name === undefined) return undefined
  try {
    const content = await readFile(path.join(functionsDir, name))
    const folder = path.join(cacheDir, `archive-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`)
    if (existsSync(folder)) return { folder }
    const work = `${folder}.${process.pid}.tmp`
    for (const [entry, data] of await entriesOf(name, content)) {
      const place = placeOf(entry)
      if (place === undefined) continue
      await mkdir(path.dirname(path.join(work, place)), { recursive: true })
      await writeFile(path.join(work, place), data)
    }
    // Another command may have unpacked the same archive meanwhile.
    await rename(work, folder).catch(() => rm(work, { recursive: true, force: true }))
    return { folder }
  } catch (error) {
    return { failure: `functions/${name} cannot be read (${error instanceof Error ? error.message : String(error)})` }
  }
}
