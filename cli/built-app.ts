import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuiltApp } from '../runtime/function-module.ts'
import type { Finding } from './app-folder/index.ts'
import { buildApp } from './build/index.ts'
import { buildOwnApp } from './build/own-app.ts'
import { isOwnApp, repositoryRoot } from './own-app.ts'

export interface LoadedBuild {
  readonly built: BuiltApp
  /** The App Services folder that was built: `dist/app` for the app of this repository, else the given one. */
  readonly folder: string
  readonly findings: readonly Finding[]
}

/** The folder the edge runs: ours is compiled from TypeScript first, any other is taken as it is. */
export async function runnableFolder(appDir: string): Promise<string> {
  if (!isOwnApp(appDir)) return appDir
  const folder = path.join(repositoryRoot, 'dist', 'app')
  await buildOwnApp({ root: repositoryRoot, outDir: folder })
  return folder
}

function isBuiltModule(module: unknown): module is { built: BuiltApp } {
  return typeof module === 'object' && module !== null && 'built' in module
}

/**
 * Builds an app folder for Node and loads it. The module goes to a folder of this process, because two commands may
 * build the same app at once.
 */
export async function loadBuiltApp(appDir: string, progress?: (text: string) => void): Promise<LoadedBuild> {
  const folder = await runnableFolder(appDir)
  const cache = path.join(repositoryRoot, '.atlas-edge', 'run')
  await mkdir(cache, { recursive: true })
  const scratch = await mkdtemp(path.join(cache, 'app-'))
  try {
    const { outFile, findings } = await buildApp({
      appDir: folder,
      target: 'node',
      outFile: path.join(scratch, 'app.mjs'),
      ...(progress ? { progress } : {}),
    })
    const module: unknown = await import(pathToFileURL(outFile).href)
    if (!isBuiltModule(module)) throw new TypeError('a build exports `built`')
    return { built: module.built, folder, findings }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
