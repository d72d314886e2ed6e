import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Plugin } from 'esbuild'
import { appModuleText, builtinPrefix, packagePrefix } from './app-module.ts'
import { builtinName } from './builtins.ts'
import type { PreparedApp } from './index.ts'

/** What an entry imports to get `built` of the app that is being bundled. */
export const appModuleName = 'atlas-edge:app'

const builtinNamespace = 'atlas-edge-builtin'
const appNamespace = 'atlas-edge-app'
const missingNamespace = 'atlas-edge-missing'

/**
 * Serves Node's modules to code bundled for workerd, which has them as ES modules only: `require` of one gets a CommonJS
 * module around it.
 */
export function workerdBuiltins(): Plugin {
  return {
    name: 'workerd-builtins',
    setup(build) {
      build.onResolve({ filter: /^(?:node:)?[a-z][a-z0-9_/]*$/ }, (args) => {
        const name = builtinName(args.path)
        if (name === undefined) return undefined
        if (args.kind === 'require-call' || args.kind === 'require-resolve')
          return { path: name, namespace: builtinNamespace }
        return { path: `node:${name}`, external: true, sideEffects: false }
      })
      build.onLoad({ filter: /.*/, namespace: builtinNamespace }, (args) => ({
        contents: `import builtin from 'node:${args.path}'\nmodule.exports = builtin`,
        loader: 'js',
      }))
    },
  }
}

/** Optional parts of the driver: other logins than by password, proxies, compression, client-side encryption. */
const driverExtras =
  /^(?:@aws-sdk\/credential-providers|gcp-metadata|kerberos|snappy|socks|@mongodb-js\/zstd|mongodb-client-encryption|aws4)$/

/** Keeps optional packages out of the bundle that merely happen to be installed here: the driver does without them. */
export function driverWithoutExtras(): Plugin {
  return {
    name: 'driver-without-extras',
    setup(build) {
      build.onResolve({ filter: driverExtras }, (args) =>
        /[\\/]node_modules[\\/]mongodb[\\/]/.test(args.importer)
          ? { path: args.path, namespace: missingNamespace }
          : undefined,
      )
    },
  }
}

/** Beside the build for Node of each lies the one without Node's modules. */
const portableBuilds: Readonly<Record<string, string>> = { bson: 'bson.mjs', '@mongodb-js/saslprep': 'browser.js' }

/**
 * One portable copy of what our own code and the driver share: under the conditions of Node, `bson` has a file for
 * `import` and another for `require`, and a value made by one is foreign to the other.
 */
export function portableDriver(): Plugin {
  return {
    name: 'portable-driver',
    setup(build) {
      build.onResolve({ filter: /^(?:bson|@mongodb-js\/saslprep)$/ }, async (args) => {
        const { pluginData, importer, resolveDir, kind } = args
        const file = portableBuilds[args.path]
        if (pluginData === portableBuilds || file === undefined) return undefined
        const found = await build.resolve(args.path, { importer, resolveDir, kind, pluginData: portableBuilds })
        const portable = path.join(path.dirname(found.path), file)
        return found.namespace === 'file' && existsSync(portable) ? { ...found, path: portable } : found
      })
    },
  }
}

function throwing(text: string): string {
  return `throw Object.assign(new Error(${JSON.stringify(text)}), { code: 'MODULE_NOT_FOUND' })`
}

/**
 * Lets an entry write `import { built } from 'atlas-edge:app'`. Packages of the app come from its own folders only; what
 * a package asks for and cannot get fails when it is asked for, not when the bundle is made.
 */
export function appModulePlugin(app: PreparedApp): Plugin {
  const folders = app.packageFolders.folders
  const isAppFile = (file: string) =>
    folders.some((folder) => !path.relative(path.join(folder, 'node_modules'), file).startsWith('..'))
  const folderOf = new Map(
    app.packages.flatMap((found) =>
      found.kind === 'package' ? [[found.substitute ?? found.specifier, found.folder] as const] : [],
    ),
  )
  return {
    name: 'atlas-edge-app',
    setup(build) {
      build.onResolve({ filter: /^atlas-edge:app$/ }, () => ({ path: 'app', namespace: appNamespace }))
      build.onLoad({ filter: /.*/, namespace: appNamespace }, () => ({
        contents: appModuleText({ ...app, broken: Object.values(app.broken) }, 'workerd'),
        loader: 'js',
        resolveDir: app.appDir,
      }))
      build.onResolve({ filter: /^atlas-edge:builtin\// }, (args) => ({
        path: args.path.slice(builtinPrefix.length),
        namespace: builtinNamespace,
      }))
      const resolveInside = async (specifier: string, importer: string, resolveDir: string) => {
        const kind = 'require-call' as const
        const found = await build.resolve(specifier, { importer, resolveDir, kind, pluginData: { inside: true } })
        const usable = found.errors.length === 0 && (found.external || found.suffix === '' || found.path !== '')
        if (usable && (found.namespace !== 'file' || isAppFile(found.path))) return found
        return { path: specifier, namespace: missingNamespace }
      }
      build.onResolve({ filter: /^atlas-edge:package\// }, (args) => {
        const specifier = args.path.slice(packagePrefix.length)
        return resolveInside(specifier, args.importer, folderOf.get(specifier) ?? app.appDir)
      })
      build.onResolve({ filter: /.*/ }, async (args) => {
        const isInner = typeof args.pluginData === 'object' && args.pluginData !== null && 'inside' in args.pluginData
        if (isInner || args.namespace !== 'file' || !isAppFile(args.importer) || builtinName(args.path))
          return undefined
        const found = await build.resolve(args.path, {
          importer: args.importer,
          resolveDir: args.resolveDir,
          kind: args.kind,
          pluginData: { inside: true },
        })
        if (found.errors.length > 0) return { path: args.path, namespace: missingNamespace }
        if (found.namespace === 'file' && !found.external && !isAppFile(found.path))
          return { path: args.path, namespace: missingNamespace }
        return found
      })
      build.onLoad({ filter: /.*/, namespace: missingNamespace }, (args) => ({
        contents: throwing(`Cannot find module '${args.path}'`),
        loader: 'js',
      }))
      build.onLoad({ filter: /\.[^./\\]+$/, namespace: 'file' }, (args) => {
        if (/\.(?:[cm]?[jt]sx?|json)$/.test(args.path) || !isAppFile(args.path)) return undefined
        const file = path.basename(args.path)
        const text = file.endsWith('.node')
          ? `${file} is native code, which Workers cannot run; use the Node entry`
          : `${file} is no JavaScript`
        return { contents: throwing(text), loader: 'js' }
      })
    },
  }
}
