import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseExpressionAt } from 'acorn'
import { build, type BuildOptions as EsbuildOptions } from 'esbuild'
import type { AppDefinition, BrokenFunction, JsonObject } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import type { Finding } from '../app-folder/index.ts'
import { CommandError } from '../command.ts'
import { packagePrefix, type ResolvedPackage } from './app-module.ts'
import { appModulePlugin, driverWithoutExtras, portableDriver, workerdBuiltins } from './app-module-plugin.ts'
import { type PreparedApp, type PrepareOptions, prepareApp } from './index.ts'
import { literalValue } from './literal-value.ts'

/**
 * How code is bundled for workerd: a package resolves to its build for Workers or for Node, whose modules the runtime has
 * (`nodejs_compat`). Builds for browsers, by condition or by the `browser` field, ask for XMLHttpRequest and leave out
 * parts that functions used on App Services.
 */
export function workerdOptions(app: PreparedApp): EsbuildOptions {
  return {
    bundle: true,
    format: 'esm',
    target: 'esnext',
    platform: 'neutral',
    mainFields: ['main', 'module'],
    conditions: ['workerd', 'worker', 'node'],
    // Packages read their own place when they load; a Worker has no files, and the names must exist.
    define: { __dirname: '"/"', __filename: '"/index.js"', 'process.env.NODE_ENV': '"production"' },
    external: ['cloudflare:*'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: {},
    plugins: [driverWithoutExtras(), appModulePlugin(app), portableDriver(), workerdBuiltins()],
  }
}

export interface BundleOptions extends PrepareOptions {
  /** The Worker's main module; it imports `built` from `atlas-edge:app`. */
  readonly entry: string
  /** Gets `worker.js` and `wrangler.json`. */
  readonly outDir: string
  readonly minify?: boolean
}

export interface BundleResult {
  /** `worker.js`. */
  readonly outFile: string
  readonly bytes: number
  /** `wrangler.json`: the entry's own `wrangler.jsonc`, pointing at the bundle. */
  readonly configFile: string
  readonly definition: AppDefinition
  readonly broken: Readonly<Record<string, BrokenFunction>>
  readonly findings: readonly Finding[]
}

interface EsbuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number } | null
}

function messagesOf(error: unknown): readonly EsbuildMessage[] | undefined {
  if (typeof error !== 'object' || error === null || !('errors' in error) || !Array.isArray(error.errors))
    return undefined
  return error.errors
}

/** A package that does not bundle is served as a missing one: it must not cost the app its other functions. */
async function withoutUnbundled(app: PreparedApp): Promise<PreparedApp> {
  const packages = await Promise.all(
    app.packages.map(async (found): Promise<ResolvedPackage> => {
      if (found.kind !== 'package') return found
      try {
        const stdin = {
          contents: `require(${JSON.stringify(packagePrefix + found.specifier)})`,
          resolveDir: app.appDir,
        }
        await build({ ...workerdOptions(app), stdin, write: false })
        return found
      } catch (error) {
        const reason = messagesOf(error)?.[0]?.text ?? 'it cannot be bundled'
        return { specifier: found.specifier, kind: 'missing', reason: `the package cannot run on Workers: ${reason}` }
      }
    }),
  )
  return { ...app, packages }
}

/** Packages of an app that workerd cannot have, with the reason: they do not bundle. */
export async function unbundledPackages(app: PreparedApp): Promise<ReadonlyMap<string, string>> {
  const usable = await withoutUnbundled(app)
  const lost = usable.packages.filter((found, index) => found !== app.packages[index])
  return new Map(lost.map((found) => [found.specifier, found.kind === 'missing' ? found.reason : '']))
}

/** How large the Worker of an app is, and what of it the packages are. */
export interface WorkerSize {
  /** After gzip, which is what platform limits count. Not measured, and 0, where the whole is smaller than they are. */
  readonly compressedBytes: number
  readonly bytes: number
  /** Before compression, largest first. */
  readonly packages: readonly { readonly name: string; readonly bytes: number }[]
}

/** Measures the bundle that `build` writes. @param smallest bytes that need no compressing to be few enough */
export async function measureWorker(app: PreparedApp, entry: string, smallest: number): Promise<WorkerSize> {
  const usable = await withoutUnbundled(app)
  const { metafile, outputFiles } = await build({
    ...workerdOptions(usable),
    entryPoints: [entry],
    metafile: true,
    write: false,
  })
  const text = outputFiles[0]?.contents ?? new Uint8Array()
  const byName = new Map<string, number>()
  for (const { inputs } of Object.values(metafile.outputs))
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(`/${file}`)?.[1]
      if (name !== undefined) byName.set(name, (byName.get(name) ?? 0) + bytesInOutput)
    }
  return {
    bytes: text.length,
    compressedBytes: text.length <= smallest ? 0 : gzipSync(text).length,
    packages: [...byName].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes),
  }
}

/** Runs esbuild for workerd. @returns the bundle's text. @throws {CommandError} one line per error */
export async function bundleText(app: PreparedApp, options: EsbuildOptions): Promise<string> {
  const run = async (usable: PreparedApp) => {
    const result = await build({ ...workerdOptions(usable), ...options, write: false })
    return result.outputFiles[0]?.text ?? ''
  }
  try {
    return await run(app).catch(async (error: unknown) => {
      if (!app.packages.some((found) => found.kind === 'package')) throw error
      return run(await withoutUnbundled(app))
    })
  } catch (error) {
    const messages = messagesOf(error)
    if (messages === undefined) throw error
    const lines = messages.map(({ location, text }) =>
      location === null ? text : `${location.file}:${location.line}: ${text}`,
    )
    throw new CommandError(`the Worker cannot be bundled: ${lines.join('; ')}`)
  }
}

/**
 * Bundles a Worker with an app into a folder that `wrangler deploy --config` takes as it is.
 *
 * @throws {AppFolderError} when the folder is no app
 * @throws {CommandError} when the Worker itself does not bundle
 */
export async function bundleWorker(options: BundleOptions): Promise<BundleResult> {
  const app = await prepareApp(options)
  const entry = path.resolve(options.entry)
  const outDir = path.resolve(options.outDir)
  const text = await bundleText(app, { entryPoints: [entry], minify: options.minify ?? false })
  await mkdir(outDir, { recursive: true })
  const outFile = path.join(outDir, 'worker.js')
  const configFile = path.join(outDir, 'wrangler.json')
  await writeFile(outFile, text)
  await writeFile(configFile, `${JSON.stringify(await workerConfig(path.dirname(entry)), null, 2)}\n`)
  const { definition, broken, findings } = app
  return { outFile, bytes: Buffer.byteLength(text), configFile, definition, broken, findings }
}

/** The Worker's configuration as it stands beside the entry, made to take the bundle as it is. */
async function workerConfig(dir: string): Promise<JsonObject> {
  const text = await readFile(path.join(dir, 'wrangler.jsonc'), 'utf8').catch(() => '{}')
  const config = literalValue(parseExpressionAt(text, 0, { ecmaVersion: 'latest' }))
  const { $schema: _, ...rest } = isJsonObject(config) ? config : {}
  return { name: 'atlas-edge', ...rest, main: 'worker.js', no_bundle: true }
}
