import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { AppDefinition, BrokenFunction } from '../../schemas/app/definition.ts'
import { Findings } from '../app-folder/finding.ts'
import { type Finding, type FunctionSource, loadAppFolder, type Origins } from '../app-folder/index.ts'
import {
  appModuleText,
  type BuildTarget,
  type CompiledFunction,
  compileFunctions,
  isPackageSpecifier,
  missingFunctions,
  type ResolvedPackage,
  reportPackages,
  requiredSpecifiers,
  resolvePackage,
} from './app-module.ts'
import { buildOwnApp, isTypeScriptApp } from './own-app.ts'
import { type PackageFolders, type PackageOptions, preparePackages } from './packages.ts'

export interface PrepareOptions extends PackageOptions {
  readonly appDir: string
  readonly environment?: string
}

/** An app folder, read and compiled, before it is written for a target. */
export interface PreparedApp {
  readonly appDir: string
  readonly definition: AppDefinition
  readonly sources: readonly FunctionSource[]
  readonly functions: readonly CompiledFunction[]
  readonly broken: Readonly<Record<string, BrokenFunction>>
  readonly packages: readonly ResolvedPackage[]
  readonly packageFolders: PackageFolders
  readonly origins: Origins
  readonly findings: readonly Finding[]
}

/** The folder that runs: an app in TypeScript is compiled into its `dist/app` first, any other is taken as it is. */
async function runnableFolder(appDir: string): Promise<string> {
  if (!(await isTypeScriptApp(appDir))) return appDir
  return (await buildOwnApp({ root: appDir, outDir: path.join(appDir, 'dist', 'app') })).outDir
}

/** Loads, compiles and resolves any app folder; nothing is written but the package cache. */
export async function prepareApp(options: PrepareOptions): Promise<PreparedApp> {
  const appDir = await runnableFolder(path.resolve(options.appDir))
  const { definition, sources, findings: loaded, origins } = await loadAppFolder(appDir, options)
  const findings = new Findings()
  const functions = compileFunctions(sources, findings)
  const specifiers = requiredSpecifiers(functions)
  const packageFolders = await preparePackages(appDir, specifiers.filter(isPackageSpecifier), options)
  const packages = specifiers.map((specifier) => resolvePackage(specifier, packageFolders))
  reportPackages(functions, new Map(packages.map((found) => [found.specifier, found])), findings)
  const broken = [
    ...missingFunctions(definition, sources),
    ...functions.map((compiled) => compiled.broken).filter((entry) => entry !== undefined),
  ]
  return {
    appDir,
    definition,
    sources,
    functions,
    broken: Object.fromEntries(broken.map((entry) => [entry.name, entry])),
    packages,
    packageFolders,
    origins,
    findings: [...loaded, ...findings.list],
  }
}

function moduleOf(app: PreparedApp): string {
  return appModuleText({ ...app, broken: Object.values(app.broken) }, 'node')
}

/** esbuild is loaded only for this target: the other one starts faster without it. */
async function workerdModule(app: PreparedApp): Promise<string> {
  const { bundleText } = await import('./bundle.ts')
  return bundleText(app, { stdin: { contents: `export { built } from 'atlas-edge:app'`, resolveDir: app.appDir } })
}

export interface BuildOptions extends PrepareOptions {
  readonly target: BuildTarget
  /** Where the module that exports `built` goes. */
  readonly outFile: string
}

export interface BuildResult {
  readonly outFile: string
  readonly definition: AppDefinition
  readonly broken: Readonly<Record<string, BrokenFunction>>
  readonly findings: readonly Finding[]
}

/**
 * Builds any app folder into one module that exports `built: BuiltApp`. For `node` the packages stay where they are;
 * for `workerd` everything is bundled.
 *
 * @throws {AppFolderError} when the folder is no app
 */
export async function buildApp(options: BuildOptions): Promise<BuildResult> {
  const app = await prepareApp(options)
  const { definition, broken, findings } = app
  const outFile = path.resolve(options.outFile)
  await mkdir(path.dirname(outFile), { recursive: true })
  await writeFile(outFile, options.target === 'node' ? moduleOf(app) : await workerdModule(app))
  return { outFile, definition, broken, findings }
}
