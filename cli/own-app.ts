import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const repositoryRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** True for the app of this repository: its functions are TypeScript and are compiled to `dist/app` first. */
export function isOwnApp(appDir: string): boolean {
  return path.resolve(appDir) === repositoryRoot && existsSync(path.join(appDir, 'functions'))
}
