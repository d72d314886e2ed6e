import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import vm from 'node:vm'
import { afterAll, describe, expect, it } from 'vitest'
import { loadAppFolder } from '../../../cli/app-folder/index.ts'
import { buildApp } from '../../../cli/build/index.ts'
import { buildOwnApp } from '../../../cli/build/own-app.ts'
import { type TemporaryFolder, temporaryFolder } from '../../support/app-folders.ts'

const temporary: TemporaryFolder[] = []
afterAll(() => Promise.all(temporary.map((folder) => folder.remove())))

const hello = `import { greet } from '../domain/greet.ts'
export default async function hello(context: { values: { get(name: string): unknown } }, who: string): Promise<string> {
  const { ...copy } = { who }
  return greet(copy.who ?? String(context.values.get('who')))
}
`
const base = {
  'realm_config.json': { config_version: 20210101, name: 'typed', location: 'US-VA' },
  'functions/hello.ts': hello,
  'functions/config.json': [{ name: 'hello' }],
  'functions/shared/unused.ts': 'export const shared = 1\n',
  'functions/globals.d.ts': 'declare const BSON: unknown\n',
  'functions/tsconfig.json': {},
  'domain/greet.ts': 'export const greet = (who: string): string => "Hello, " + who + "!"\n',
  'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas', config: {} },
  'triggers/nightly.json': {
    name: 'nightly',
    type: 'SCHEDULED',
    config: { schedule: '5 0 * * *' },
    event_processors: { FUNCTION: { config: { function_name: 'hello' } } },
  },
}

async function app(files: Record<string, unknown> = {}): Promise<string> {
  const folder = await temporaryFolder({ ...base, ...files })
  temporary.push(folder)
  return folder.dir
}

async function problemsOf(files: Record<string, unknown>): Promise<string[]> {
  const root = await app(files)
  const error = await buildOwnApp({ root, outDir: path.join(root, 'dist', 'app') }).catch((reason: unknown) => reason)
  return error instanceof Error ? error.message.split('\n') : []
}

const functionOf = (body: string) => `export default function hello(): unknown {\n  ${body}\n}\n`

describe('buildOwnApp', () => {
  it('writes a folder that App Services accepts: one script a function, and the JSON files', async () => {
    const root = await app()
    const outDir = path.join(root, 'dist', 'app')
    const result = await buildOwnApp({ root, outDir })
    expect(result).toEqual({
      outDir,
      functions: ['hello'],
      files: [
        'data_sources/mongodb-atlas/config.json',
        'functions/config.json',
        'functions/hello.js',
        'realm_config.json',
        'root_config.json',
        'triggers/nightly.json',
      ],
    })
    expect(await readFile(path.join(outDir, 'functions/config.json'), 'utf8')).toBe(
      '[\n    {\n        "name": "hello"\n    }\n]\n',
    )
    expect((await loadAppFolder(outDir)).findings).toEqual([])
  })

  it('binds the default export to exports, with the ambient context before the arguments', async () => {
    const root = await app()
    const outDir = path.join(root, 'dist', 'app')
    await buildOwnApp({ root, outDir })
    const script = await readFile(path.join(outDir, 'functions/hello.js'), 'utf8')
    expect(script).toMatch(
      /\nexports = function \(\) \{ return __fn\.default\.apply\(null, \[context\]\.concat\(\[\]\.slice\.call\(arguments\)\)\); \};\n$/,
    )
    const scope = vm.createContext({ context: { values: { get: () => 'context' } } })
    vm.runInContext(script, scope)
    expect(await vm.runInContext('exports()', scope)).toBe('Hello, context!')
    expect(await vm.runInContext("exports('you')", scope)).toBe('Hello, you!')
  })

  it('is what buildApp runs for an app in TypeScript', async () => {
    const root = await app()
    const { definition } = await buildApp({ appDir: root, target: 'node', outFile: path.join(root, 'built.mjs') })
    expect(definition.functions.map(({ name }) => name)).toEqual(['hello'])
  })

  it('removes what is gone and leaves alone what did not change', async () => {
    const root = await app()
    const outDir = path.join(root, 'dist', 'app')
    await mkdir(path.join(outDir, 'values'), { recursive: true })
    await writeFile(path.join(outDir, 'values', 'old.json'), '{}')
    expect((await buildOwnApp({ root, outDir })).files).not.toContain('values/old.json')
    await expect(readFile(path.join(outDir, 'values', 'old.json'))).rejects.toThrow('ENOENT')
    await rm(path.join(root, 'triggers'), { recursive: true })
    expect((await buildOwnApp({ root, outDir })).files).not.toContain('triggers/nightly.json')
  })

  it.each([
    [
      'a function without manifest entry',
      { 'functions/more.ts': functionOf('return 1') },
      ['functions/more.ts: not in functions/config.json; add {"name": "more", "private": true} to it'],
    ],
    [
      'a manifest entry without function',
      { 'functions/config.json': [{ name: 'hello' }, { name: 'gone' }] },
      ['functions/config.json: "gone" has no functions/gone.ts with a default export; add it or remove the entry'],
    ],
    [
      'a manifest that is no array',
      { 'functions/config.json': {} },
      ['functions/config.json: not an array; write [{"name": "..."}, ...]'],
    ],
    [
      'a trigger that names a missing function',
      {
        'triggers/nightly.json': {
          name: 'nightly',
          type: 'SCHEDULED',
          config: { schedule: '5 0 * * *' },
          function_name: 'no',
        },
      },
      [
        'triggers/nightly.json: trigger "nightly" names the function "no", which does not exist; add functions/no.js, or name another function',
      ],
    ],
    [
      'an endpoint that names a missing function',
      { 'http_endpoints/config.json': [{ route: '/a', http_method: 'GET', function_name: 'no' }] },
      [
        'http_endpoints/config.json: endpoint GET /a names the function "no", which does not exist; add functions/no.js, or name another function',
      ],
    ],
    [
      'a schedule that is none',
      {
        'triggers/nightly.json': {
          name: 'nightly',
          type: 'SCHEDULED',
          config: { schedule: '5 0 * *' },
          function_name: 'hello',
        },
      },
      [
        'triggers/nightly.json: trigger "nightly": the schedule "5 0 * *" never fires: expected 5 fields (minute hour day month weekday), got 4; correct it',
      ],
    ],
    [
      'an import that does not resolve',
      { 'functions/hello.ts': "import { a } from './nowhere.ts'\nexport default () => a\n" },
      ['functions/hello.ts:1: Could not resolve "./nowhere.ts"; correct it'],
    ],
    ['a file that is no JSON', { 'values/a.json': '{' }, [expect.stringMatching(/^values\/a\.json: not valid JSON/)]],
    [
      'a folder without root file',
      { 'realm_config.json': 'null' },
      ['realm_config.json: not an object; write {"config_version": 20210101, "name": "..."}'],
    ],
  ])('refuses %s in one line with file and mend', async (_, files, lines) => {
    expect(await problemsOf(files)).toEqual(lines)
  })

  it.each([
    ['BigInt', 'return BigInt(1)', 'BigInt does not exist', 2],
    ['Proxy', 'return new Proxy({}, {})', 'Proxy does not exist', 2],
    ['Reflect', 'return Reflect.ownKeys({})', 'Reflect does not exist', 2],
    ['WeakSet', 'return new WeakSet()', 'WeakSet does not exist', 2],
    ['fetch', "return fetch('https://example.com')", 'fetch does not exist', 2],
    ['the flag u', 'return /a/u', 'the regular expression flag in /a/u does not exist', 2],
    ['the flag y', 'return /a/gy', 'the regular expression flag in /a/gy does not exist', 2],
    [
      'the flag of a constructor',
      "return new RegExp('a', 'u')",
      'the regular expression flag in "u" does not exist',
      2,
    ],
    [
      'a private method',
      'class A { #m() { return 1 } go() { return this.#m() } }\n  return new A().go()',
      'WeakSet does not exist',
      2,
    ],
    ['a name that nobody has', 'return undeclaredName', 'undeclaredName does not exist', 2],
    ['process', 'return process.env.HOME', 'process does not exist', 2],
  ])('refuses %s, which the App Services engine lacks', async (_, body, what, line) => {
    const problems = await problemsOf({ 'functions/hello.ts': functionOf(body) })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`functions/hello.ts:${line}: ${what} in the App Services engine; `)
  })

  it.each([
    ['typeof of a name that is not there', "return typeof BigInt === 'undefined'"],
    ['what the engine has', 'return [new Map(), new Set(), Symbol.iterator, new Uint8Array(1), JSON, Math.PI, /a/gim]'],
    ['the globals of functions', 'return [context, BSON, EJSON, utils, console]'],
    ['what es2017 lowers', 'const a = { ...{ b: 1 } }; return [a?.b ?? 2, 2 ** 3]'],
  ])('accepts %s', async (_, body) => {
    expect(await problemsOf({ 'functions/hello.ts': `// @ts-nocheck\n${functionOf(body)}` })).toEqual([])
  })

  it('names the file of shared code, and the function that it is bundled into', async () => {
    expect(
      await problemsOf({ 'domain/greet.ts': 'export const greet = (who: string) => [who, structuredClone(who)]\n' }),
    ).toEqual([
      'domain/greet.ts:1: structuredClone does not exist in the App Services engine (bundled into functions/hello.ts); copy with object spread',
    ])
  })
})
