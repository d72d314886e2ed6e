import vm from 'node:vm'
import { describe, expect, it } from 'vitest'
import { factoryPrelude, factoryText } from '../../../cli/build/function-factory.ts'
import { readFunctionScript } from '../../../cli/build/function-script.ts'
import { parseScript } from '../../../cli/build/parsed-script.ts'
import { findSharedGlobals } from '../../../cli/build/shared-globals.ts'

type Call = (...args: unknown[]) => unknown
type Factory = (...globals: unknown[]) => Call

/** The functions of an app, built; `request()` gives a caller of them by name, as one request of the host does. */
function appOf(sources: Readonly<Record<string, string>>) {
  const shared = findSharedGlobals(Object.values(sources).map((source) => parseScript(source)))
  const names = Object.keys(sources)
  const texts = Object.values(sources).map((source) => factoryText(readFunctionScript(source, shared)))
  const factories: Factory[] = vm.runInThisContext(`'use strict';(() => {${factoryPrelude}\nreturn [${texts}]})()`)
  return {
    shared,
    request: (user = '') => {
      const ofRequest = {}
      const call = (name: string, ...args: unknown[]): unknown => {
        const context = { user, functions: { execute: call } }
        return factories[names.indexOf(name)]?.(context, {}, {}, {}, () => ({}), {}, {}, undefined, ofRequest)(...args)
      }
      return call
    },
  }
}

const library = {
  library: `
const hidden = 1
function _add (a, b) { return a + b + hidden }
Array.prototype.last = function (or) { return this.length ? this[this.length - 1] : or }
Object.prototype.keysOf = function () { return Object.keys(this) }
String.prototype.shout = function () { 'use strict'; return this.toUpperCase() + context.user }
Promise.both = (a, b) => Promise.all([a, b])
Object.defineProperty(Number.prototype, 'twice', { get: function () { return this * 2 } })
exports = function () { add = _add; owner = context.user; if (typeof calls === 'undefined') calls = 0; calls++ }`,
}

describe('what functions of a request share', () => {
  it.each([
    ['a helper', 'return add(1, 2)', 4],
    ['a helper in shorthand', 'const all = { add, owner }; return [all.add(0, 0), all.owner]', [1, 'ann']],
    ['a counter', "context.functions.execute('library'); return calls", 2],
    ['what is not there', 'return [typeof never, typeof add]', ['undefined', 'function']],
    ['a method of arrays', 'return [[1, 2].last(), [].last(5)]', [2, 5]],
    ['a method of objects', 'return ({ a: 1 }).keysOf()', ['a']],
    ['a method of strings', "return 'a'.shout()", 'Aann'],
    ['a chain of them', "return { x: 'q' }.keysOf().last().shout()", 'Xann'],
    ['a chain over lines', "return { x: 'q' }\n  .keysOf() // first\n  .last()\n  .length", 1],
    ['an optional chain', 'const none = null; return [none?.last(), [[3]]?.[0].last()]', [undefined, 3]],
    ['a method after parentheses', 'return ([1].concat([2])).last()', 2],
    ['a method that is tested for', 'return [!Array.prototype.last, typeof [].last]', [false, 'function']],
    [
      'the name of a method that is missing',
      'try { return (5).last() } catch (error) { return error.message }',
      'last is not a function',
    ],
    ['a getter', 'return (4).twice', 8],
    ['a property of the same name', 'const own = { last: 1 }; own.last += 1; own.last++; return own.last', 3],
    ['a method of the same name', 'return ({ n: 1, last () { return this.n } }).last()', 1],
    ['a name that is declared here', 'const add = 3; return add', 3],
  ])('%s is there for another function', (_, body, expected) => {
    const { request } = appOf({
      ...library,
      probe: `exports = function () { context.functions.execute('library'); ${body} }`,
    })
    expect(request('ann')('probe')).toEqual(expected)
  })

  it('extensions of constructors work', async () => {
    const { request } = appOf({
      ...library,
      probe: "exports = async () => { context.functions.execute('library'); return Promise.both(1, await 2) }",
    })
    expect(await request()('probe')).toEqual([1, 2])
  })

  it('nothing of it reaches another request, nor the host', () => {
    const app = appOf({ ...library, probe: "exports = (then) => { then?.(); return [owner, 'x'.shout?.()] }" })
    const [ann, bob] = [app.request('ann'), app.request('bob')]
    ann('library')
    const annSees = ann('probe', () => bob('library'))
    expect([annSees, bob('probe'), app.request('eve')('probe')]).toEqual([
      ['ann', 'Xann'],
      ['bob', 'Xbob'],
      [undefined, undefined],
    ])
    expect([...app.shared.extensions].filter((name) => name in Array.prototype || name in Promise)).toEqual([])
    expect(['add', 'owner', 'calls'].filter((name) => name in globalThis)).toEqual([])
  })

  it('names that each function assigns for itself stay its own, also when one calls the other', () => {
    const { request, shared } = appOf({
      inner: 'exports = function () { i = 10; total = i; return total }',
      outer:
        "exports = function () { total = 0; for (i = 0; i < 3; i++) total += context.functions.execute('inner'); return [i, total] }",
    })
    expect(shared).toEqual({ names: new Set(), extensions: new Set() })
    expect(request()('outer')).toEqual([3, 30])
  })
})
