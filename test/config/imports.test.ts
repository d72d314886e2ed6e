import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')

/** Which folders a folder may import from, beside itself (design 2). */
const allowed: Record<string, readonly string[]> = {
  domain: [],
  schemas: ['domain'],
  runtime: ['domain', 'schemas'],
  functions: ['domain', 'runtime (types)'],
  edge: ['domain', 'schemas', 'runtime'],
}

/** Files that may use Node's modules, each with its reason. */
const nodeBuiltins: readonly [file: RegExp, reason: string][] = [
  [
    /^runtime\/functions\/globals\/node-crypto\.ts$/,
    'utils.crypto and utils.jwt are synchronous; workerd has the module too',
  ],
  [/^edge\/socket-(timeouts|ends)\.ts$/, "workerd's own node:net, which the driver opens its sockets with"],
  [/^edge\/http-requests\.ts$/, "workerd's own node:http, which packages of functions call"],
  [/^edge\/node(\.ts|\/)/, 'the Node entry'],
]

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
}

interface Import {
  readonly file: string
  readonly specifier: string
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    specifier: match[2] ?? match[3] ?? match[4] ?? '',
    typeOnly: match[1] !== undefined,
  }))
}

describe('imports', () => {
  for (const [folder, targets] of Object.entries(allowed)) {
    it(`of ${folder}/ point only where the design lets them`, () => {
      const wrong = sources(folder)
        .flatMap(importsOf)
        .filter(({ file, specifier, typeOnly }) => {
          if (!specifier.startsWith('.')) return false
          const target = path
            .relative(root, path.resolve(path.dirname(path.join(root, file)), specifier))
            .split(path.sep)[0]
          if (target === undefined || target === folder) return false
          return !(targets.includes(target) || (typeOnly && targets.includes(`${target} (types)`)))
        })
      expect(wrong).toEqual([])
    })
  }

  it('of node: modules stay out of what must run anywhere', () => {
    const wrong = ['domain', 'schemas', 'runtime', 'functions', 'edge']
      .flatMap(sources)
      .flatMap(importsOf)
      .filter(
        ({ file, specifier }) => specifier.startsWith('node:') && !nodeBuiltins.some(([allowed]) => allowed.test(file)),
      )
    expect(wrong).toEqual([])
  })
})
