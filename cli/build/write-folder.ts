import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

async function filesBelow(dir: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(path.join(dir, prefix), { withFileTypes: true }).catch(() => [])
  const nested = await Promise.all(
    entries.map((entry) => {
      const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      return entry.isDirectory() ? filesBelow(dir, name) : [name]
    }),
  )
  return nested.flat()
}

/**
 * Makes a folder hold exactly these files. Files that have the content already are not touched and each other one
 * appears whole, since several processes may build, and read, the same folder at once.
 *
 * @param files content by relative path with `/`
 */
export async function writeFolder(dir: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(dir, { recursive: true })
  await Promise.all(
    [...files].map(async ([name, content]) => {
      const file = path.join(dir, name)
      if ((await readFile(file, 'utf8').catch(() => undefined)) === content) return
      await mkdir(path.dirname(file), { recursive: true })
      const temporary = path.join(path.dirname(dir), `.${path.basename(dir)}-${randomUUID()}.tmp`)
      await writeFile(temporary, content)
      await rename(temporary, file)
    }),
  )
  const stale = (await filesBelow(dir)).filter((name) => !files.has(name))
  await Promise.all(stale.map((name) => rm(path.join(dir, name), { force: true })))
}
