import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isJsonObject } from '../../schemas/app/json.ts'
import { packageName } from './builtins.ts'
import { substitutes } from './native-packages.ts'
import { unpackPackages } from './package-archive.ts'

/** Where the packages of one app are: folders that hold a `node_modules`, in the order they are asked. */
export interface PackageFolders {
  readonly folders: readonly string[]
  /** Names in `functions/package.json`. */
  readonly declared: ReadonlySet<string>
  /** Why an installation did not bring everything; one line. */
  readonly failure: string | undefined
}

export interface PackageOptions {
  /** Default: `.atlas-edge/packages` of this repository. */
  readonly cacheDir?: string
  readonly progress?: (text: string) => void
}

const repositoryRoot = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))

export const defaultCacheDir = path.join(repositoryRoot, '.atlas-edge', 'packages')

interface Manifest {
  readonly dependencies: Record<string, string>
  readonly lock: string | undefined
}

/** A package beside the functions is named relative to them; the cache is elsewhere. */
function absoluteRange(range: string, functionsDir: string): string {
  const local = /^(?:file:)?(\.{1,2}\/.*)$/.exec(range)?.[1]
  return local === undefined ? range : `file:${path.resolve(functionsDir, local)}`
}

async function readManifest(functionsDir: string): Promise<Manifest | undefined> {
  const text = await readFile(path.join(functionsDir, 'package.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  let content: unknown
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
  if (!isJsonObject(content)) return undefined
  const dependencies: Record<string, string> = {}
  for (const key of ['dependencies', 'optionalDependencies'])
    for (const [name, range] of Object.entries(isJsonObject(content[key]) ? content[key] : {}))
      if (typeof range === 'string') dependencies[name] = absoluteRange(range, functionsDir)
  const lock = await readFile(path.join(functionsDir, 'package-lock.json'), 'utf8').catch(() => undefined)
  return { dependencies, lock }
}

/** True when `folder/node_modules` holds the package itself; folders above are not asked. */
export function holdsPackage(folder: string, name: string): boolean {
  return existsSync(path.join(folder, 'node_modules', name))
}

/**
 * Finds the packages that functions require: a shipped `functions/node_modules` is used as it is, and what it lacks is
 * installed from `functions/package.json` into the cache, once per content of manifest and lock file, never into the
 * app's folder (spec: real apps 3).
 *
 * @param required specifiers of packages, built-ins excluded
 */
export async function preparePackages(
  appDir: string,
  required: readonly string[],
  options: PackageOptions = {},
): Promise<PackageFolders> {
  const functionsDir = path.join(appDir, 'functions')
  const folders = existsSync(path.join(functionsDir, 'node_modules')) ? [realpathSync(functionsDir)] : []
  const cacheDir = options.cacheDir ?? defaultCacheDir
  const archive = required.length === 0 ? undefined : await unpackPackages(functionsDir, cacheDir)
  if (archive !== undefined && 'folder' in archive) folders.push(realpathSync(archive.folder))
  const unreadable = archive !== undefined && 'failure' in archive ? archive.failure : undefined
  const manifest = await readManifest(functionsDir)
  const declared = new Set(Object.keys(manifest?.dependencies ?? {}))
  const missing = [...new Set(required.map(packageName))].filter(
    (name) => declared.has(name) && !folders.some((folder) => holdsPackage(folder, name)),
  )
  if (manifest === undefined || missing.length === 0) return { folders, declared, failure: unreadable }
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.entries(manifest.dependencies).sort()))
    .update(manifest.lock ?? '')
    .digest('hex')
    .slice(0, 32)
  const target = path.join(cacheDir, digest)
  const isThere = () => missing.every((name) => holdsPackage(target, name))
  const recent = isThere() ? undefined : await recentFailure(target)
  const failure = isThere() ? undefined : (recent ?? (await install(target, manifest, options)))
  if (existsSync(path.join(target, 'node_modules'))) folders.push(realpathSync(target))
  return { folders, declared, failure }
}

/** A second try costs seconds: what failed a moment ago is not tried again by each command in a row. */
const retryAfterMs = 60_000

async function recentFailure(target: string): Promise<string | undefined> {
  const file = path.join(target, 'failure.txt')
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || Date.now() - found.mtimeMs > retryAfterMs) return undefined
  return (await readFile(file, 'utf8')) || undefined
}

/** @returns why it failed, or undefined */
async function install(target: string, manifest: Manifest, options: PackageOptions): Promise<string | undefined> {
  const names = Object.keys(manifest.dependencies)
  options.progress?.(`installing ${names.length} package(s) of functions/package.json: ${names.join(', ')}`)
  const work = `${target}.${process.pid}.tmp`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const started = Date.now()
  let failure: string | undefined
  if (manifest.lock !== undefined) {
    await writeManifest(work, 'dependencies', manifest.dependencies)
    await writeFile(path.join(work, 'package-lock.json'), manifest.lock)
    failure = await npm(work, ['ci'])
    const added = Object.keys(withSubstitutes(manifest.dependencies)).filter((name) => !(name in manifest.dependencies))
    if (failure === undefined && added.length > 0) await npm(work, ['install', '--no-save', ...added])
    if (failure !== undefined) await rm(path.join(work, 'package-lock.json'), { force: true })
  }
  if (manifest.lock === undefined || failure !== undefined) {
    // As optional dependencies, one that cannot be had does not cost the app the others.
    await writeManifest(work, 'optionalDependencies', withSubstitutes(manifest.dependencies))
    failure = await npm(work, ['install'])
  }
  const absent = names.filter((name) => !holdsPackage(work, name))
  if (absent.length > 0) failure ??= `${absent.join(', ')} could not be installed`
  else failure = undefined
  if (failure !== undefined) await writeFile(path.join(work, 'failure.txt'), failure)
  await rm(target, { recursive: true, force: true })
  // Another command may have put its own, equal installation there meanwhile.
  await rename(work, target).catch(() => rm(work, { recursive: true, force: true }))
  options.progress?.(
    failure === undefined
      ? `packages installed in ${((Date.now() - started) / 1000).toFixed(1)} s`
      : `packages not installed: ${failure}; functions that need them fail when called`,
  )
  return failure
}

function withSubstitutes(dependencies: Record<string, string>): Record<string, string> {
  const added = Object.entries(substitutes).filter(([name]) => Object.hasOwn(dependencies, name))
  return { ...Object.fromEntries(added.map(([, substitute]) => [substitute, '*'])), ...dependencies }
}

function writeManifest(dir: string, key: string, dependencies: Record<string, string>): Promise<void> {
  const content = { name: 'app-packages', version: '1.0.0', private: true, [key]: dependencies }
  return writeFile(path.join(dir, 'package.json'), JSON.stringify(content))
}

function npm(cwd: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(
      'npm',
      [
        ...args,
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--legacy-peer-deps',
        '--install-links',
        '--loglevel=error',
        '--fetch-retries=1',
        '--fetch-retry-mintimeout=500',
      ],
      { cwd, stdio: ['ignore', 'ignore', 'pipe'], shell: process.platform === 'win32' },
    )
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', (error) => resolve(`npm could not be started (${error.message})`))
    child.on('close', (code) => resolve(code === 0 ? undefined : reasonOf(output)))
  })
}

function reasonOf(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^npm (?:error|ERR!)\s*/, '').trim())
  const line = lines.find((text) => text !== '' && !text.startsWith('code ') && !text.startsWith('npm warn'))
  const code = lines.find((text) => text.startsWith('code '))?.slice('code '.length)
  return [code, line].filter((part) => part !== undefined).join(': ') || 'npm failed'
}
