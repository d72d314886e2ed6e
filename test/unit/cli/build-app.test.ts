import { existsSync } from 'node:fs'
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { EJSON } from 'bson'
import { zipSync } from 'fflate'
import { Miniflare } from 'miniflare'
import { createTar, createTarGzip } from 'nanotar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appModuleText, type BuildTarget } from '../../../cli/build/app-module.ts'
import { bundleWorker } from '../../../cli/build/bundle.ts'
import { type BuildResult, buildApp } from '../../../cli/build/index.ts'
import type { BuiltApp } from '../../../runtime/function-module.ts'
import { fixtureApp, type TemporaryFolder, temporaryFolder } from '../../support/app-folders.ts'

let scratch: TemporaryFolder
const others: TemporaryFolder[] = []
beforeAll(async () => {
  scratch = await temporaryFolder()
})
afterAll(() => Promise.all([scratch, ...others].map((folder) => folder.remove())))

let builds = 0

async function build(appDir: string, target: BuildTarget = 'node'): Promise<BuildResult> {
  return buildApp({
    appDir,
    target,
    outFile: path.join(scratch.dir, `${++builds}.mjs`),
    cacheDir: path.join(scratch.dir, 'cache'),
  })
}

async function load(result: BuildResult): Promise<BuiltApp> {
  const module: { built: BuiltApp } = await import(pathToFileURL(result.outFile).href)
  return module.built
}

/** The console of one request, which some functions extend. */
function quietConsole(): object {
  return { log: () => {} }
}

/** A function of a built app, called as the runtime calls it; its context reaches functions and values only. */
function call(built: BuiltApp, name: string, args: unknown[] = [], log = quietConsole(), shared = {}): unknown {
  const context = {
    functions: { execute: (other: string, ...rest: unknown[]) => call(built, other, rest, log, shared) },
  }
  const require = (specifier: string) => {
    const loader = built.packages[specifier]
    if (loader === undefined) throw new Error(`Cannot find module '${specifier}'`)
    return loader()
  }
  const factory = built.functions[name]
  if (factory === undefined) throw new Error(`no function ${name}`)
  const made = factory(context, {}, EJSON, {}, require, log, undefined, undefined, shared)
  return (made as (...rest: unknown[]) => unknown)(...args)
}

const sloppyCalls: [string, unknown[], unknown][] = [
  ['assigned', [5], { result: 5, counter: 1 }],
  ['loops', [[1, 2, 3]], [6, 3, 3, 'a']],
  ['destructuring', [['x']], ['x', 'none', 'n', 'd']],
  ['sloppyThis', ['kept'], 'kept'],
  ['reserved', ['p', 'q'], ['p', 'q', 3]],
  ['blocks', [false], 'no'],
  ['octal', [1, 2], [8, 'AB', 2]],
  ['globalObject', ['v'], [true, 'v', 'object', 'undefined']],
  ['redeclared', [], [true, 'quiet']],
  ['callOther', [9], 9],
]

const oddCalls: [string, unknown[], unknown][] = [
  ['createUser', ['ann'], 'created ann'],
  ['oldStyle', [], 'old style'],
  ['imports', ['text'], ['1cb251ec', 'a/b', 'd', 'function']],
  ['usesHelpers', ['-'], ['x-y', 2, 'b', ['a']]],
]

const packageCalls: [string, unknown[], unknown][] = [
  ['usesPackages', ['up'], ['UP', 'MODULE_NOT_FOUND', 'string', 'SUB', 'scoped', 'deep part', 42, 'default']],
  ['usesBuiltins', ['text'], ['982d9e3e', 'dGV4dA==', '/b', 0, 'function']],
  ['usesTopLevel', ['top'], 'TOP'],
]

describe('buildApp for Node', () => {
  it.each(sloppyCalls)('runs the sloppy function %s, twice alike', async (name, args, expected) => {
    const built = await load(await build(fixtureApp('implicit-globals')))
    expect([await call(built, name, args), await call(built, name, args)]).toEqual([expected, expected])
  })

  it.each(oddCalls)('runs %s, written as App Services did not ask for', async (name, args, expected) => {
    const built = await load(await build(fixtureApp('odd-functions')))
    expect([await call(built, name, args), await call(built, name, args)]).toEqual([expected, expected])
  })

  it.each(packageCalls)('loads shipped packages and Node modules for %s', async (name, args, expected) => {
    const built = await load(await build(fixtureApp('shipped-packages')))
    expect(await call(built, name, args)).toEqual(expected)
  })

  it.each([
    ['twoWays', [1, 2], 3],
    ['arrow', [4], { doubled: 8 }],
    ['asyncArrow', [], 42],
    ['variable', [1], 2],
    ['portable', ['x'], 'X'],
  ])('runs the old form of exports of %s', async (name, args, expected) => {
    const built = await load(await build(fixtureApp('old-exports')))
    expect(await call(built, name, args)).toEqual(expected)
  })

  it('sets aside what cannot be built and runs the rest', async () => {
    const result = await build(fixtureApp('broken-parts'))
    const built = await load(result)
    expect(result.broken).toEqual({
      noFile: { name: 'noFile', code: 'FunctionNotFound', message: "function not found: 'noFile'" },
      badSyntax: {
        name: 'badSyntax',
        code: 'FunctionSyntaxError',
        message: "failed to parse source of function 'badSyntax': Unexpected token (line 4)",
      },
      esModule: {
        name: 'esModule',
        code: 'FunctionSyntaxError',
        message:
          "failed to parse source of function 'esModule': 'import' and 'export' may appear only with 'sourceType: module' (line 1)",
      },
      usesWith: {
        name: 'usesWith',
        code: 'FunctionSyntaxError',
        message: "failed to parse source of function 'usesWith': the with statement cannot run in a module (line 2)",
      },
    })
    expect(built.broken).toEqual(result.broken)
    expect(Object.keys(built.functions).filter((name) => Object.hasOwn(built.broken, name))).toEqual([])
    expect(call(built, 'works')).toBe('still here')
    expect(call(built, 'needsOnlySometimes')).toBe('no mail')
    expect(() => call(built, 'needsOnlySometimes', [true])).toThrow(
      `Cannot find module 'nodemailer': the package "nodemailer" is not declared in functions/package.json`,
    )
    expect(() => call(built, 'relative')).toThrow("Cannot find module './works'")
    expect(() => call(built, 'computed', ['fs'])).toThrow("Cannot find module 'fs'")
  })

  it('takes no package from beside the app, nor from this project', async () => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'outside' },
      'functions/f.js': "exports = (name) => (name === 'bson' ? require('bson') : require('beside'))",
      'node_modules/beside/index.js': 'module.exports = 1',
      'package.json': { dependencies: { beside: '1.0.0' } },
    })
    others.push(folder)
    const built = await load(await build(folder.dir))
    expect(() => call(built, 'f', ['beside'])).toThrow("Cannot find module 'beside'")
    expect(() => call(built, 'f', ['bson'])).toThrow("Cannot find module 'bson'")
  })

  it('offers functions no module that starts processes or evaluates code', async () => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'modules' },
      'functions/f.js': "exports = () => require('node:child_process')",
    })
    others.push(folder)
    const built = await load(await build(folder.dir))
    expect(() => call(built, 'f')).toThrow('the Node module "child_process" is not available to functions')
  })

  it.each(['node', 'workerd'] as const)('follows the links of a shipped pnpm store, built for %s', async (target) => {
    const store = 'functions/node_modules/.pnpm/outer@1.0.0/node_modules'
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'pnpm' },
      'functions/f.js': "exports = () => require('outer')",
      [`${store}/outer/index.js`]: "module.exports = 'outer and ' + require('inner')",
      [`${store}/inner/index.js`]: "module.exports = 'inner'",
    })
    others.push(folder)
    await symlink('.pnpm/outer@1.0.0/node_modules/outer', path.join(folder.dir, 'functions/node_modules/outer'))
    const built = await load(await build(folder.dir, target))
    expect(call(built, 'f')).toBe('outer and inner')
  })

  it('embeds prototype keys of a folder as plain data', () => {
    const definition = JSON.parse('{"values":[{"name":"__proto__","value":{"__proto__":{"polluted":true}}}]}')
    const text = appModuleText({ definition, functions: [], broken: [], packages: [] }, 'node')
    expect(text).toContain('definition: JSON.parse(')
  })
})

describe('packages shipped in an archive', () => {
  const packaged = { 'node_modules/boxed/index.js': "module.exports = 'out of the box'" }
  const bytes = Object.entries(packaged).map(([name, text]) => ({ name, data: new TextEncoder().encode(text) }))
  const escaping = { name: '../outside.js', data: new Uint8Array(1) }

  it.each([
    [
      'node_modules.zip',
      async () => zipSync(Object.fromEntries([...bytes, escaping].map(({ name, data }) => [name, data]))),
    ],
    ['node_modules.tar', async () => createTar([...bytes, escaping])],
    ['node_modules.tar.gz', async () => createTarGzip(bytes)],
    [
      'node_modules.tgz',
      async () => createTarGzip(bytes.map(({ name, data }) => ({ name: name.slice('node_modules/'.length), data }))),
    ],
  ] as const)('come out of %s', async (name, pack) => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'archived' },
      'functions/f.js': "exports = () => require('boxed')",
    })
    others.push(folder)
    await writeFile(path.join(folder.dir, 'functions', name), await pack())
    expect(call(await load(await build(folder.dir)), 'f')).toBe('out of the box')
    expect(
      existsSync(path.join(scratch.dir, 'outside.js')) || existsSync(path.join(scratch.dir, 'cache', 'outside.js')),
    ).toBe(false)
  })

  it('that cannot be read are named', async () => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'archived' },
      'functions/f.js': "exports = () => require('boxed')",
      'functions/node_modules.zip': 'no archive',
    })
    others.push(folder)
    const built = await load(await build(folder.dir))
    expect(() => call(built, 'f')).toThrow(/^Cannot find module 'boxed': functions\/node_modules\.zip cannot be read/)
  })
})

describe('packages of functions/package.json', () => {
  it('are installed once into the cache, never into the app, and a failing one costs only those who need it', async () => {
    const library = await temporaryFolder({
      'package.json': { name: 'local-library', version: '1.0.0', main: 'index.js' },
      'index.js': "module.exports = () => 'from the library'",
    })
    const app = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'installs' },
      'functions/uses.js': "exports = () => require('local-library')()",
      'functions/fails.js': "exports = () => require('not-to-be-had')",
      'functions/package.json': {
        dependencies: { 'local-library': `file:${library.dir}`, 'not-to-be-had': 'file:./nowhere' },
      },
    })
    others.push(library, app)
    const steps: string[] = []
    const options = {
      appDir: app.dir,
      target: 'node' as const,
      cacheDir: path.join(scratch.dir, 'installs'),
      progress: (text: string) => steps.push(text),
    }
    const first = await buildApp({ ...options, outFile: path.join(scratch.dir, 'first.mjs') })
    const built = await load(first)
    expect(call(built, 'uses')).toBe('from the library')
    expect(() => call(built, 'fails')).toThrow(/^Cannot find module 'not-to-be-had': /)
    expect(steps[0]).toBe('installing 2 package(s) of functions/package.json: local-library, not-to-be-had')
    expect(steps).toHaveLength(2)
    await buildApp({ ...options, outFile: path.join(scratch.dir, 'second.mjs') })
    expect(steps).toHaveLength(2)
    expect((await readdir(path.join(app.dir, 'functions'))).sort()).toEqual(['fails.js', 'package.json', 'uses.js'])
  }, 60_000)
})

describe('buildApp for workerd', () => {
  let worker: Miniflare
  const names = ['implicit-globals', 'odd-functions', 'shipped-packages', 'old-exports', 'broken-parts']

  beforeAll(async () => {
    const modules: { type: 'ESModule'; path: string; contents: string }[] = []
    for (const name of names) {
      const { outFile } = await build(fixtureApp(name), 'workerd')
      modules.push({ type: 'ESModule', path: `${name}.mjs`, contents: await readFile(outFile, 'utf8') })
    }
    const imports = names.map((name, index) => `import { built as app${index} } from './${name}.mjs'`).join('\n')
    const contents = `${imports}
const apps = { ${names.map((name, index) => `'${name}': app${index}`).join(', ')} }
const call = (built, name, args, log = { log() {} }, shared = {}) => {
  const context = { functions: { execute: (other, ...rest) => call(built, other, rest, log, shared) } }
  return built.functions[name](context, {}, {}, {}, (specifier) => built.packages[specifier](), log, undefined, undefined, shared)(...args)
}
export default { async fetch(request) {
  const { app, name, args } = await request.json()
  try { return Response.json({ result: await call(apps[app], name, args) }) }
  catch (error) { return Response.json({ error: error.message }) }
} }`
    worker = new Miniflare({
      modules: [{ type: 'ESModule', path: 'main.mjs', contents }, ...modules],
      compatibilityDate: '2026-07-30',
      compatibilityFlags: ['nodejs_compat'],
    })
    await worker.ready
  })
  afterAll(() => worker.dispose())

  async function callWorker(app: string, name: string, args: unknown[] = []): Promise<unknown> {
    const response = await worker.dispatchFetch('http://worker/', {
      method: 'POST',
      body: JSON.stringify({ app, name, args }),
    })
    return response.json()
  }

  it.each(sloppyCalls)('runs the sloppy function %s', async (name, args, expected) => {
    expect(await callWorker('implicit-globals', name, args)).toEqual({ result: expected })
  })

  it.each(oddCalls)('runs %s, written as App Services did not ask for', async (name, args, expected) => {
    expect(await callWorker('odd-functions', name, args)).toEqual({ result: expected })
  })

  it.each(packageCalls)('bundles packages and Node modules for %s', async (name, args, expected) => {
    expect(await callWorker('shipped-packages', name, args)).toEqual({ result: expected })
  })

  it('runs the functions beside broken ones, and says why a package is not there', async () => {
    expect(await callWorker('broken-parts', 'works')).toEqual({ result: 'still here' })
    expect(await callWorker('broken-parts', 'needsPackage')).toEqual({
      error: `Cannot find module 'twilio': the package "twilio" is not declared in functions/package.json`,
    })
    expect(await callWorker('shipped-packages', 'usesNative')).toEqual({
      error: "Cannot find module 'tiny-native': it is native code, which Workers cannot run; use the Node entry",
    })
  })

  it('bundles the other packages when one does not bundle', async () => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'unbundled' },
      'functions/f.js': "exports = (n) => (n ? require('sound') : require('unsound'))",
      'functions/node_modules/sound/index.js': 'module.exports = "sound"',
      'functions/node_modules/unsound/index.js': 'this is ( no JavaScript',
    })
    others.push(folder)
    const built = await load(await build(folder.dir, 'workerd'))
    expect(call(built, 'f', [1])).toBe('sound')
    expect(() => call(built, 'f')).toThrow(/^Cannot find module 'unsound': the package cannot run on Workers: /)
  })

  it('takes the builds of packages that App Services took, not those for browsers', async () => {
    const folder = await temporaryFolder({
      'realm_config.json': { config_version: 20210101, name: 'browser-builds' },
      'functions/g.js':
        "exports = () => [require('by-field'), require('by-map'), require('by-exports'), require('by-worker')]",
      'functions/node_modules/by-field/package.json': {
        main: './node.js',
        browser: './browser.js',
        module: './module.js',
      },
      'functions/node_modules/by-field/node.js': 'module.exports = "node"',
      'functions/node_modules/by-field/module.js': 'export default "module"',
      'functions/node_modules/by-field/browser.js': 'module.exports = new XMLHttpRequest()',
      'functions/node_modules/by-map/package.json': {
        main: './index.js',
        browser: { './util.inspect.js': false, './http.js': './xhr.js' },
      },
      'functions/node_modules/by-map/index.js': "module.exports = [require('./util.inspect'), require('./http')]",
      'functions/node_modules/by-map/util.inspect.js': "module.exports = typeof require('util').inspect",
      'functions/node_modules/by-map/http.js': "module.exports = typeof require('http').request",
      'functions/node_modules/by-map/xhr.js': 'module.exports = new XMLHttpRequest()',
      'functions/node_modules/by-exports/package.json': {
        exports: { browser: './browser.js', node: './node.js', default: './browser.js' },
      },
      'functions/node_modules/by-exports/node.js': 'module.exports = "node"',
      'functions/node_modules/by-exports/browser.js': 'module.exports = new XMLHttpRequest()',
      'functions/node_modules/by-worker/package.json': { exports: { workerd: './worker.js', node: './node.js' } },
      'functions/node_modules/by-worker/worker.js': 'module.exports = "workerd"',
      'functions/node_modules/by-worker/node.js': 'module.exports = "node"',
    })
    others.push(folder)
    const built = await load(await build(folder.dir, 'workerd'))
    expect(call(built, 'g')).toEqual(['node', ['function', 'function'], 'node', 'workerd'])
  })

  it('puts one copy of bson in a Worker, for its own code and for the driver', async () => {
    const entry = path.join(scratch.dir, 'entry.ts')
    const root = path.resolve(import.meta.dirname, '../../..')
    const names = [
      'atlas-edge:app',
      path.join(root, 'node_modules/mongodb/lib/index.js'),
      path.join(root, 'runtime/functions/globals/bson.ts'),
    ]
    await writeFile(
      entry,
      names.map((name, index) => `export * as part${index} from ${JSON.stringify(name)}`).join('\n'),
    )
    const { outFile } = await bundleWorker({ appDir: fixtureApp('minimal'), entry, outDir: scratch.dir })
    const inputs = (await readFile(outFile, 'utf8')).match(/^\/\/ .*node_modules\/bson\/.*$/gm)
    expect(inputs?.map((line) => path.basename(line))).toEqual(['bson.mjs'])
  })
})
