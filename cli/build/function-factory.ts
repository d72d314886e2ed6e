import vm from 'node:vm'
import { parse } from 'acorn'
import { type FunctionScript, wrapperParameters } from './function-script.ts'
import { loopPrelude } from './loop-turns.ts'
import { ScriptError } from './parsed-script.ts'
import { sharedPrelude } from './shared-globals.ts'

/** Names of the module around the factories; they must not be names that a function uses. */
export const factoryPrelude = [
  'const __edgeHost = globalThis',
  // What a script puts on the global object must not outlive the call.
  'const __edgeCallGlobal = () => new Proxy({}, {',
  '  get: (own, key) => (key in own ? own[key] : __edgeHost[key]),',
  '  has: (own, key) => key in own || key in __edgeHost,',
  '})',
  // function runtime 4: the process of App Services has these members and no environment.
  'const __edgeProcess = () => ({',
  '  env: {},',
  '  version: __edgeHost.process?.version,',
  '  versions: { ...__edgeHost.process?.versions },',
  '  nextTick: (task, ...args) => queueMicrotask(() => task(...args)),',
  '  hrtime: (...args) => __edgeHost.process.hrtime(...args),',
  '})',
  'const __edgeImport = async (require, specifier) => {',
  '  const loaded = require(specifier)',
  '  return loaded?.__esModule ? loaded : { ...loaded, default: loaded }',
  '}',
  'const __edgeDefault = (loaded) => (loaded?.__esModule ? loaded.default : loaded)',
  sharedPrelude,
  loopPrelude,
].join('\n')

const scriptName = 'function'

/**
 * The text of a `FunctionFactory` expression around a script. The script starts on the expression's first line, and
 * keeps its own lines.
 *
 * @throws {ScriptError} when the result is no valid module code
 */
export function factoryText(script: FunctionScript): string {
  const locals = [...script.undeclared]
  let head = script.text.includes('__edgeShared') ? '__edgeShared ??= {};' : ''
  if (script.uses.has('this') || script.uses.has('global') || script.uses.has('globalThis'))
    head += 'const __edgeGlobal = __edgeCallGlobal();'
  if (script.uses.has('this')) head += 'const __edgeThis = (self) => self ?? __edgeGlobal;'
  for (const name of ['global', 'globalThis'] as const)
    if (script.uses.has(name) && !locals.includes(name)) head += `const ${name} = __edgeGlobal;`
  if (script.uses.has('process') && !locals.includes('process')) head += 'const process = __edgeProcess();'
  // A name of the host that the script overwrites still has the host's value until then.
  for (const name of locals) head += name in globalThis ? `var ${name} = __edgeHost.${name};` : `var ${name};`
  let result = 'exports'
  if (script.exportsForm === 'module.exports') {
    head += 'module = { exports };'
    result = 'module.exports'
  }
  const body = `${script.text}\n;return ${result}`
  const inner = script.redeclares ? `return (() => {${body}})()` : body
  const text = `(${wrapperParameters.join(', ')}, __edgeShared) => {${head}${inner}\n}`
  try {
    // Compiled and never run: the engine itself says whether strict code may look like this. What a module refuses beyond
    // strict mode (ECMA-262 B.1.1, 13.1.1) only a parser of modules tells, and one such function would take all others
    // of the app with it.
    if (/<!--|-->|\bawait\s*:/.test(text)) parse(`(${text})`, { ecmaVersion: 'latest', sourceType: 'module' })
    new vm.Script(`'use strict';(${text})`, { filename: scriptName })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const line =
      new RegExp(`^${scriptName}:(\\d+)`).exec(error.stack ?? '')?.[1] ?? /\((\d+):\d+\)$/.exec(error.message)?.[1]
    const at = line === undefined ? undefined : Number(line)
    throw new ScriptError('sloppy', `cannot run in strict mode: ${error.message.replace(/ \(\d+:\d+\)$/, '')}`, at)
  }
  return text
}
