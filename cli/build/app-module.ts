import { createRequire } from 'node:module'
import path from 'node:path'
import type { AppDefinition, BrokenFunction } from '../../schemas/app/definition.ts'
import type { Finding, Findings } from '../app-folder/finding.ts'
import type { FunctionSource } from '../app-folder/index.ts'
import { builtinName, isOffered, packageName } from './builtins.ts'
import { factoryPrelude, factoryText } from './function-factory.ts'
import { type FunctionScript, readFunctionScript, scriptText } from './function-script.ts'
import { isNativePackage, substitutes } from './native-packages.ts'
import { holdsPackage, type PackageFolders } from './packages.ts'
import { type ParsedScript, parseScript, ScriptError } from './parsed-script.ts'
import { findSharedGlobals } from './shared-globals.ts'

export type BuildTarget = 'workerd' | 'node'

/** A function file, read: its script, or why it cannot be built. */
export interface CompiledFunction {
  readonly source: FunctionSource
  readonly script?: FunctionScript
  readonly factory?: string
  readonly broken?: BrokenFunction
}

const syntaxMends = {
  syntax: 'correct the syntax',
  module: 'write it as a script: require(...) inside the function, and exports = function ...',
  sloppy: 'rewrite that part so that it also runs in strict mode',
} as const

/** Compiles every source; those that do not parse are broken by name, and the others still run. */
export function compileFunctions(sources: readonly FunctionSource[], findings: Findings): CompiledFunction[] {
  const shared = findSharedGlobals(sources.flatMap((source) => parsedOrNone(sourceText(source))))
  return sources.map((source) => {
    try {
      const script = readFunctionScript(sourceText(source), shared)
      return { source, script, factory: factoryText(script) }
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error
      const at = error.line === undefined || source.generated ? '' : ` (line ${error.line})`
      findings.add('error', 'function-syntax', {
        file: source.file,
        ...(error.line === undefined || source.generated ? {} : { line: error.line }),
        subject: source.name,
        message: `"${source.name}" cannot be built: ${error.message}; calling it answers FunctionSyntaxError`,
        mend: syntaxMends[error.kind],
      })
      const message = `failed to parse source of function '${source.name}': ${error.message}${at}`
      return { source, broken: { name: source.name, code: 'FunctionSyntaxError', message } }
    }
  })
}

function sourceText(source: FunctionSource): string {
  return source.generated ? scriptOfString(source.text) : source.text
}

function parsedOrNone(source: string): ParsedScript[] {
  try {
    return [parseScript(scriptText(source))]
  } catch (error) {
    if (error instanceof ScriptError) return []
    throw error
  }
}

/** A script held by a string assigns `exports` like a file, or is a bare function expression. */
function scriptOfString(text: string): string {
  return /^\s*(?:async\s+)?(?:function\b|\(|[A-Za-z_$][\w$]*\s*=>)/.test(text) ? `exports = ${text}` : text
}

/** Functions that have no file: the manifest's, and those that are named by nobody else. */
export function missingFunctions(definition: AppDefinition, sources: readonly FunctionSource[]): BrokenFunction[] {
  const present = new Set(sources.map((source) => source.name))
  return definition.functions
    .filter((config) => !present.has(config.name))
    .map(({ name }) => ({ name, code: 'FunctionNotFound', message: `function not found: '${name}'` }))
}

/** How one required specifier is served. */
export type ResolvedPackage =
  | { readonly specifier: string; readonly kind: 'builtin'; readonly name: string }
  | {
      readonly specifier: string
      readonly kind: 'package'
      readonly folder: string
      readonly native: boolean
      /** A package in JavaScript that stands in for a native one. */
      readonly substitute?: string
    }
  | { readonly specifier: string; readonly kind: 'missing'; readonly reason: string; readonly declared?: boolean }

/** Every specifier that the functions require as a literal. */
export function requiredSpecifiers(functions: readonly CompiledFunction[]): string[] {
  const all = functions.flatMap((compiled) => compiled.script?.requires ?? []).map((use) => use.specifier)
  return [...new Set(all.filter((specifier) => specifier !== undefined))].sort()
}

/** Packages among the specifiers: neither built-ins nor paths. */
export function isPackageSpecifier(specifier: string): boolean {
  return builtinName(specifier) === undefined && !/^[./]/.test(specifier)
}

/** Resolves a specifier inside the app's own packages only: what lies beside the app folder is not the app's. */
export function resolvePackage(specifier: string, packages: PackageFolders): ResolvedPackage {
  const builtin = builtinName(specifier)
  if (builtin !== undefined)
    return isOffered(builtin)
      ? { specifier, kind: 'builtin', name: builtin }
      : { specifier, kind: 'missing', reason: `the Node module "${builtin}" is not available to functions` }
  if (!isPackageSpecifier(specifier))
    return { specifier, kind: 'missing', reason: 'functions cannot require files; use context.functions.execute' }
  for (const folder of packages.folders) {
    try {
      const file = createRequire(path.join(folder, 'index.js')).resolve(specifier)
      if (path.relative(path.join(folder, 'node_modules'), file).startsWith('..')) continue
      const native = isNativePackage(folder, packageName(specifier))
      const substitute = native ? substitutes[specifier] : undefined
      if (substitute !== undefined && holdsPackage(folder, substitute))
        return { specifier, kind: 'package', folder, native, substitute }
      return { specifier, kind: 'package', folder, native }
    } catch {
      // Not in this folder, or not by that sub-path.
    }
  }
  const name = packageName(specifier)
  const declared = packages.declared.has(name)
  const absent = declared
    ? `the package "${name}" has no "${specifier}"`
    : `the package "${name}" is not declared in functions/package.json`
  // A shipped archive that cannot be read declares nothing, and may have held the package.
  const mayHaveFailed = declared || packages.declared.size === 0
  const reason = (mayHaveFailed ? packages.failure : undefined) ?? absent
  return { specifier, kind: 'missing', reason, declared }
}

/** Reports what each function requires and will not get. */
export function reportPackages(
  functions: readonly CompiledFunction[],
  resolved: ReadonlyMap<string, ResolvedPackage>,
  findings: Findings,
): void {
  for (const { source, script } of functions)
    for (const use of script?.requires ?? []) {
      const found = use.specifier === undefined ? undefined : resolved.get(use.specifier)
      if (found?.kind === 'missing')
        findings.add('error', 'package-missing', {
          file: source.file,
          line: use.line,
          subject: source.name,
          message: `require("${found.specifier}") fails when it is called: ${found.reason}`,
          mend: mendOf(found.specifier, found.declared),
        })
      if (found?.kind === 'package' && found.native)
        findings.add(found.substitute === undefined ? 'error' : 'info', 'package-native', {
          file: source.file,
          line: use.line,
          subject: source.name,
          message:
            found.substitute === undefined
              ? `require("${found.specifier}") fails on Workers: the package is native code`
              : `"${found.specifier}" is native code; "${found.substitute}" stands in on Workers`,
          mend: `use the Node entry (--host node)${found.substitute ? `, or require("${found.substitute}")` : ', or a package in JavaScript'}`,
        })
    }
}

function mendOf(specifier: string, declared = false): string {
  if (builtinName(specifier) !== undefined) return 'do without it'
  if (!isPackageSpecifier(specifier)) return 'make it a function of its own and call context.functions.execute'
  if (declared) return 'see that npm reaches its registry and that the package is there, then run this again'
  return `add "${packageName(specifier)}" to the dependencies of functions/package.json`
}

export interface AppModuleParts {
  readonly definition: AppDefinition
  readonly functions: readonly CompiledFunction[]
  readonly broken: readonly BrokenFunction[]
  readonly packages: readonly ResolvedPackage[]
}

/** Prefixes by which the generated module asks the bundler for packages and built-ins. */
export const packagePrefix = 'atlas-edge:package/'
export const builtinPrefix = 'atlas-edge:builtin/'

/** The text of a module that exports `built: BuiltApp`. For `node` it runs as it is; for `workerd` it is bundled. */
export function appModuleText(parts: AppModuleParts, target: BuildTarget): string {
  const lines = [target === 'node' ? nodePrelude : '', factoryPrelude, 'export const built = {']
  lines.push(`definition: JSON.parse(${JSON.stringify(JSON.stringify(parts.definition))}),`, 'functions: {')
  for (const { source, factory } of parts.functions)
    if (factory !== undefined) lines.push(`[${JSON.stringify(source.name)}]: ${factory},`)
  lines.push('},', `broken: JSON.parse(${JSON.stringify(JSON.stringify(recordOf(parts.broken)))}),`, 'packages: {')
  for (const found of parts.packages) lines.push(`[${JSON.stringify(found.specifier)}]: ${loaderOf(found, target)},`)
  lines.push('},', '}')
  return `${lines.join('\n')}\n`
}

const nodePrelude = [
  "import { createRequire as __edgeCreateRequire } from 'node:module'",
  'const __edgeLoad = (specifier, folder) => {',
  '  try {',
  "    return __edgeCreateRequire(folder + '/index.js')(specifier)",
  '  } catch (error) {',
  // The text of a failed load lists paths of this machine, and it reaches the caller.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a module, not a template
  "    throw new Error(`Cannot load module '${specifier}' (${error?.code ?? error?.name ?? 'Error'})`, { cause: error })",
  '  }',
  '}',
].join('\n')

function recordOf(broken: readonly BrokenFunction[]): Record<string, BrokenFunction> {
  return Object.fromEntries(broken.map((entry) => [entry.name, entry]))
}

const nativeReason = 'it is native code, which Workers cannot run; use the Node entry'

function failingLoader(specifier: string, reason: string): string {
  const text = JSON.stringify(`Cannot find module '${specifier}': ${reason}`)
  return `() => { throw Object.assign(new Error(${text}), { code: 'MODULE_NOT_FOUND' }) }`
}

function loaderOf(found: ResolvedPackage, target: BuildTarget): string {
  switch (found.kind) {
    case 'missing':
      return failingLoader(found.specifier, found.reason)
    case 'builtin':
      if (found.name === 'process') return '() => __edgeProcess()'
      return target === 'node'
        ? `() => process.getBuiltinModule(${JSON.stringify(`node:${found.name}`)})`
        : `() => require(${JSON.stringify(builtinPrefix + found.name)})`
    case 'package':
      if (target === 'node') {
        const load = (name: string) => `__edgeLoad(${JSON.stringify(name)}, ${JSON.stringify(found.folder)})`
        if (found.substitute === undefined) return `() => ${load(found.specifier)}`
        return `() => { try { return ${load(found.specifier)} } catch { return ${load(found.substitute)} } }`
      }
      if (found.native && found.substitute === undefined) return failingLoader(found.specifier, nativeReason)
      return `() => require(${JSON.stringify(packagePrefix + (found.substitute ?? found.specifier))})`
  }
}

export type { Finding }
