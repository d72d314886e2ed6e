import vm from 'node:vm'
import { describe, expect, it } from 'vitest'
import { factoryPrelude, factoryText } from '../../../cli/build/function-factory.ts'
import { readFunctionScript } from '../../../cli/build/function-script.ts'
import { ScriptError } from '../../../cli/build/parsed-script.ts'
import { loopTurn } from '../../../runtime/function-module.ts'

type Call = (...args: unknown[]) => unknown

/** The function of a script as the original engine runs it: a script of sloppy mode in a fresh global scope. */
function runSloppy(source: string): Call {
  const scope = vm.createContext({ console: { log() {} }, BSON: {}, EJSON: {}, utils: {}, context: {} })
  vm.runInContext(source, scope)
  return vm.runInContext('exports', scope)
}

/** The same through the build: one call of the factory, in the strict code of a module. */
function runBuilt(source: string, require: (name: string) => unknown = () => ({})): Call {
  const text = factoryText(readFunctionScript(source))
  const factory: Call = vm.runInThisContext(`'use strict';(() => {${factoryPrelude}\nreturn (${text})})()`)
  const result = factory({}, {}, {}, {}, require, { log() {} }, undefined, undefined)
  if (typeof result !== 'function') throw new TypeError(`exports is ${typeof result}`)
  return (...args) => result(...args)
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

describe('a sloppy script, built', () => {
  it.each([
    ['assigns a name it never declares', 'exports = function (a) { r = a; return r + 1 }', [4]],
    [
      'counts in undeclared loops',
      'exports = function (l) { t = 0; for (i = 0; i < l.length; i++) t += l[i]; for (x of l) y = x; for (k in {a: 1}) z = k; return [t, i, y, z] }',
      [[1, 2]],
    ],
    [
      'destructures into undeclared names',
      'exports = function (p) { [a, b = 5, ...c] = p; ({ d, e: { f }, ...g } = { d: 1, e: { f: 2 }, h: 3 }); return [a, b, c, d, f, g] }',
      [[1, undefined, 3, 4]],
    ],
    [
      'tests an undeclared name before it assigns it',
      "exports = function () { if (typeof q === 'undefined') q = 1; q += 1; return q }",
      [],
    ],
    [
      'uses this of a plain call',
      'exports = function (a) { this.kept = a; function f () { return this.kept }\nreturn f() }',
      [7],
    ],
    [
      'starts a line with this after a line without semicolon',
      'exports = function (a) { var b = a\nthis.c = b\nreturn this.c }',
      [3],
    ],
    [
      'keeps this of methods, constructors and classes',
      'function A (x) { this.x = x }\nA.prototype.get = function () { return this.x }\nclass B { constructor () { this.y = 2 } get () { return (() => this.y)() } }\nexports = function () { return [new A(1).get(), new B().get(), { z: 3, get () { return this.z } }.get(), [4].map(function () { return this.w }, { w: 5 })[0]] }',
      [],
    ],
    [
      'has names that strict mode reserves',
      'exports = function (package, public) { var interface = { package, static: public, private: 1 }; const { private } = interface; let = 3; yield = 4; return [interface.package, interface.static, private, let, yield] }',
      [1, 2],
    ],
    ['calls await a variable', 'var await = 2; exports = function () { return await * 3 }', []],
    [
      'declares functions in blocks and calls them outside',
      "exports = function (f) { if (f) { function yes () { return 'y' } } else { function no () { return 'n' } } return f ? yes() : no() }",
      [true],
    ],
    [
      'passes a block function in shorthand',
      'exports = function () { { function inner () { return 1 } } var o = { inner }; return o.inner() }',
      [],
    ],
    [
      'writes octal numbers and escapes',
      "exports = function () { return [010, 0777, 08, 0.5, 0x10, '\\101', '\\x41', '\\0', '\\\\1', 'a\\\nb'] }",
      [],
    ],
    ['repeats a parameter', 'exports = function (a, a) { return a }', [1, 2]],
    ['deletes a variable', 'exports = function () { v = 1; delete v; return typeof undefined }', []],
    ['starts with a line for a shell', '#!/usr/bin/env node\nexports = function () { return 1 }', []],
    ['declares exports itself', 'var exports = function () { return 2 }', []],
    ['has use strict of its own', "'use strict'\nexports = function () { return this === undefined }", []],
    ['overwrites a name of the host', 'exports = function () { URL = 5; return URL }', []],
    [
      'uses a label, a comma and no semicolons',
      'exports = (a) => { n = 0, m = 1\nouter: for (;;) { for (;;) { n++\nif (n > 3) break outer } }\nreturn [n, m, a] }',
      [9],
    ],
    [
      'has a helper of the same name as what it assigns inside',
      'function total (l) { s = 0; l.forEach(function (v) { s += v }); return s }\nexports = l => total(l)',
      [[1, 2, 3]],
    ],
    ['is async', 'exports = async () => 1', []],
  ] as [string, string, unknown[]][])('runs as in the original engine when it %s', async (_, source, args) => {
    expect(plain(await runBuilt(source)(...args))).toEqual(plain(await runSloppy(source)(...args)))
  })

  it.each([
    ['const of a global of the runtime', 'const EJSON = 1, console = 2; exports = () => [EJSON, console]', [1, 2]],
    ['the class of a global of the runtime', 'class utils { static a () { return 1 } }\nexports = () => utils.a()', 1],
    ['module.exports alone', 'module.exports = function () { return 3 }', 3],
    ['the portable ending', 'const f = () => 4; exports = f; if (typeof module !== "undefined") module.exports = f', 4],
    ['the environment of the process, which is empty', 'exports = () => Object.keys(process.env)', []],
    [
      'the global object',
      'exports = () => { global.a = 1; globalThis.b = 2; return [globalThis.a, global.b, typeof global.JSON, typeof a] }',
      [1, 2, 'object', 'undefined'],
    ],
  ])('offers %s', (_, source, expected) => {
    expect(plain(runBuilt(source)())).toEqual(expected)
  })

  it('leaks nothing from one call to the next, nor into the host', () => {
    const factory: Call = vm.runInThisContext(
      `'use strict';(() => {${factoryPrelude}\nreturn (${factoryText(readFunctionScript('exports = function () { n = typeof n === "undefined" ? 1 : n + 1; this.kept = (this.kept || 0) + 1; global.g = (global.g || 0) + 1; return [n, this.kept, global.g] }'))})})()`,
    )
    const call = () => (factory({}, {}, {}, {}, () => ({}), {}, undefined, undefined) as Call)()
    expect([call(), call()]).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ])
    expect(['n', 'kept', 'g'].filter((name) => name in globalThis)).toEqual([])
  })

  it('imports by require, as the transpiler of App Services does with files that assign exports all the same', () => {
    const source = [
      "import plain, { a, b as c, default as again } from 'x'",
      "import * as all from 'x'",
      'import {',
      '  a as d,',
      "} from 'x'",
      "import 'y'",
      'exports = () => { n = [plain, a, c, again, all.a, d]; return n }',
    ].join('\n')
    const script = readFunctionScript(source)
    expect(script.text.split('\n')).toHaveLength(7)
    expect(script.requires.map(({ specifier, line }) => [specifier, line])).toEqual([
      ...[1, 1, 1, 2, 3].map((line) => ['x', line]),
      ['y', 6],
    ])
    const modules = { x: { __esModule: true, default: 'the default', a: 1, b: 2 }, y: {} }
    expect(runBuilt(source, (name) => modules[name as 'x'])()).toEqual(['the default', 1, 2, 'the default', 1, 1])
    expect(runBuilt("import f from 'x'\nexports = () => f", () => 'not a module of that form')()).toBe(
      'not a module of that form',
    )
  })

  it.each([
    ['while (true)', 'while (true) { n++; if (n === limit) return n }'],
    ['for (;;)', 'for (;;) { n++; if (n === limit) break } return n'],
    ['do ... while', 'do { if (++n === limit) return n } while (1)'],
    ['a body without braces', 'while (true) if (++n === limit) return n'],
    ['one in another', 'for (;;) for (;;) if (++n === limit) return n'],
    ['a label', 'outer: while (true) { while (true) { if (++n === limit) break outer; continue outer } } return n'],
    ['this in front', 'const self = { n: 0, run() { while (true) this.n = ++n === limit ? end() : n } }; self.run()'],
  ])('runs loops without end, and asks the run in every turn whether it goes on: %s', (_, body) => {
    const source = `exports = (limit) => { let n = 0; const end = () => { throw n }; ${body} }`
    const text = factoryText(readFunctionScript(source))
    const factory: Call = vm.runInThisContext(`'use strict';(() => {${factoryPrelude}\nreturn (${text})})()`)
    const run = (shared: object, limit: number) => {
      try {
        return Reflect.apply(factory({}, {}, {}, {}, {}, {}, {}, undefined, shared) as Call, undefined, [limit])
      } catch (thrown) {
        return thrown
      }
    }
    expect(run({}, 3)).toBe(3)
    let turns = 0
    const turn = () => {
      turns += 1
      if (turns > 5) throw 'over'
    }
    expect(run({ [loopTurn]: turn }, -1)).toBe('over')
  })

  it('leaves loops with a condition as they are', () => {
    const source =
      'exports = (l) => { for (let i = 0; i < l; i++) l--; while (l) l--; for (const x of [l]) l += x; return l }'
    expect(readFunctionScript(source).text).toBe(source)
  })

  it('keeps every line where it was', () => {
    const source = '// one\nexports = function () {\n  this.x = 010\n  delete x\n  throw new Error("line 5")\n}'
    expect(readFunctionScript(source).text.split('\n')).toHaveLength(source.split('\n').length)
  })

  it.each([
    ['a syntax error', 'exports = function () {\n  return a +\n}', 'syntax', 3],
    ['a module that exports', "import a from 'a'\nexport default a", 'module', 1],
    ['await at the top level', 'const a = await b\nexports = a', 'syntax', 1],
    ['a comment of HTML', 'exports = function () {\n  <!-- as in a page\n  return 1\n}', 'sloppy', 2],
    ['with', 'exports = function (a) {\n  with (a) { return b }\n}', 'sloppy', 2],
  ])('refuses %s, naming the line', (_, source, kind, line) => {
    let caught: unknown
    try {
      factoryText(readFunctionScript(source))
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ScriptError)
    expect(caught).toMatchObject({ kind, line })
  })

  it('lists what is required, not what stands in comments or is a local name', () => {
    const source = `const top = require('top')
// require('comment')
exports = async function () {
  const a = require('a/sub'), b = require(\`b\`), c = require(name)
  const { d } = await import('d')
  return ((require) => require('local'))(String)
}`
    expect(readFunctionScript(source).requires).toEqual([
      { specifier: 'top', line: 1, topLevel: true },
      { specifier: 'a/sub', line: 4, topLevel: false },
      { specifier: 'b', line: 4, topLevel: false },
      { specifier: undefined, line: 4, topLevel: false },
      { specifier: 'd', line: 5, topLevel: false },
    ])
  })
})
