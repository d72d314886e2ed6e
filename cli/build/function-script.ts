import type { AnyNode, Node } from 'acorn'
import type { ScopeManager } from 'eslint-scope'
import { importsAsRequire } from './import-statements.ts'
import { rewriteEndlessLoops } from './loop-turns.ts'
import { lineAt, type ParsedScript, parseScript, ScriptError } from './parsed-script.ts'
import { noSharedGlobals, rewriteExtensions, type SharedGlobals } from './shared-globals.ts'
import {
  hasOctalEscape,
  renameBlockFunctions,
  renameDuplicateParameters,
  renameReserved,
  replaceIdentifier,
} from './strict-repairs.ts'
import { TextEdits } from './text-edits.ts'
import { walk } from './walk.ts'

/** A function file as a script of sloppy mode, made fit to stand inside a strict module. */
export interface FunctionScript {
  /** The script, changed only where strict mode would refuse or change it; lines stay where they were. */
  readonly text: string
  /** Names the script assigns but never declares: variables of one call. */
  readonly undeclared: readonly string[]
  /** Names the script uses freely, of those that the wrapper must provide per call. */
  readonly uses: ReadonlySet<'globalThis' | 'global' | 'process' | 'this' | 'import' | 'eval'>
  /** True when a top-level `let`, `const` or `class` has the name of one of the wrapper's parameters. */
  readonly redeclares: boolean
  /** What it assigns its function to. */
  readonly exportsForm: 'exports' | 'module.exports' | 'none'
  readonly requires: readonly PackageUse[]
}

export interface PackageUse {
  /** As written; undefined when it is computed at run time. */
  readonly specifier: string | undefined
  /** 1-based. */
  readonly line: number
  readonly topLevel: boolean
}

export const wrapperParameters = ['context', 'BSON', 'EJSON', 'utils', 'require', 'console', 'exports', 'module']

/** The script of a function file: without a line for a shell, and with its imports as `require`. */
export function scriptText(source: string): string {
  return importsAsRequire(source.replace(/^#!.*/, ''))
}

/**
 * Makes a sloppy-mode script run unchanged in meaning inside a strict module: undeclared names that are assigned are
 * listed to be declared per call, `this` of plain calls, `delete name`, octal literals, duplicate parameters, functions
 * declared in blocks and names reserved in strict mode are rewritten (spec: real apps 2).
 *
 * @param shared what the functions of its app share
 * @throws {ScriptError} when it does not parse, or uses `with`
 */
export function readFunctionScript(source: string, shared: SharedGlobals = noSharedGlobals): FunctionScript {
  const text = scriptText(source)
  const script = parseScript(text)
  const edits = new TextEdits(text)
  const uses = new Set<'globalThis' | 'global' | 'process' | 'this' | 'import' | 'eval'>()
  rewriteEndlessLoops(script, edits)
  const renamed = renameBlockFunctions(script, edits)
  const undeclared = new Set<string>(renamed.values())
  for (const reference of script.free) {
    const { name } = reference.identifier
    if (name === 'globalThis' || name === 'global' || name === 'process' || name === 'eval') uses.add(name)
    if (renamed.has(name) || wrapperParameters.includes(name)) continue
    if (shared.names.has(name)) replaceIdentifier(script, edits, reference.identifier, `__edgeShared.${name}`)
    else if (reference.isWrite()) undeclared.add(name)
  }
  rewriteExtensions(script, shared.extensions, edits)
  renameReserved(script, edits, undeclared)
  const requires: PackageUse[] = []
  const freeNodes = new Set<unknown>(script.free.map((reference) => reference.identifier))
  walk(script.program, (visited, ancestors) => {
    const node = visited as AnyNode
    switch (node.type) {
      case 'WithStatement':
        throw new ScriptError('sloppy', 'the with statement cannot run in a module', lineAt(text, node.start))
      case 'ThisExpression':
        if (isSloppyThis(ancestors)) {
          uses.add('this')
          // A call, not a parenthesis: after a line without semicolon that would be read as arguments.
          edits.replace(node.start, node.end, '__edgeThis(this)')
        }
        break
      case 'Literal':
        if (typeof node.value === 'number' && /^0\d/.test(node.raw ?? ''))
          edits.replace(node.start, node.end, String(node.value))
        if (typeof node.value === 'string' && hasOctalEscape(node.raw ?? ''))
          edits.replace(node.start, node.end, JSON.stringify(node.value))
        break
      case 'UnaryExpression':
        if (node.operator === 'delete' && node.argument.type === 'Identifier')
          edits.replace(node.start, node.start + 'delete'.length, `void `)
        break
      case 'ImportExpression':
        uses.add('import')
        edits.replace(node.start, node.start + 'import('.length, '__edgeImport(require, ')
        requires.push(packageUse(text, node.source, node, ancestors))
        break
      case 'CallExpression':
        if (node.callee.type === 'Identifier' && node.callee.name === 'require' && freeNodes.has(node.callee))
          requires.push(packageUse(text, node.arguments[0], node, ancestors))
        break
      case 'FunctionDeclaration':
      case 'FunctionExpression':
        renameDuplicateParameters(node.params, edits)
        break
    }
  })
  return {
    text: edits.apply(),
    undeclared: [...undeclared].sort(),
    uses,
    redeclares: redeclaresParameter(script.scopes),
    exportsForm: exportsForm(script),
    requires,
  }
}

function packageUse(text: string, argument: Node | undefined, call: Node, ancestors: readonly Node[]): PackageUse {
  const node = argument as AnyNode | undefined
  const line = lineAt(text, call.start)
  const topLevel = !ancestors.some((ancestor) => /Function/.test(ancestor.type))
  if (node?.type === 'Literal' && typeof node.value === 'string') return { specifier: node.value, line, topLevel }
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0)
    return { specifier: node.quasis[0]?.value.cooked ?? undefined, line, topLevel }
  return { specifier: undefined, line, topLevel }
}

/** Class bodies and functions with their own directive are strict already. */
function isSloppyThis(ancestors: readonly Node[]): boolean {
  return !ancestors.some((ancestor) => {
    const node = ancestor as AnyNode
    if (node.type === 'ClassBody') return true
    if (node.type === 'Program') return hasUseStrict(node.body)
    if (node.type !== 'FunctionDeclaration' && node.type !== 'FunctionExpression') return false
    return hasUseStrict(node.body.body)
  })
}

function hasUseStrict(body: readonly Node[]): boolean {
  return body.some(
    (statement) =>
      (statement as AnyNode).type === 'ExpressionStatement' && Reflect.get(statement, 'directive') === 'use strict',
  )
}

function redeclaresParameter(scopes: ScopeManager): boolean {
  const top = scopes.globalScope?.childScopes[0]
  return (top?.variables ?? []).some(
    (variable) =>
      wrapperParameters.includes(variable.name) &&
      variable.defs.some(
        (definition) =>
          definition.type === 'ClassName' ||
          (definition.type === 'Variable' &&
            definition.parent !== null &&
            Reflect.get(definition.parent ?? {}, 'kind') !== 'var'),
      ),
  )
}

function exportsForm(script: ParsedScript): FunctionScript['exportsForm'] {
  const top = script.scopes.globalScope?.childScopes[0]
  if (top?.set.has('exports')) return 'exports'
  if (script.free.some((reference) => reference.identifier.name === 'exports' && reference.isWrite())) return 'exports'
  if (!script.free.some((reference) => reference.identifier.name === 'module')) return 'none'
  let viaModule = false
  walk(script.program, (visited) => {
    const node = visited as AnyNode
    if (
      node.type === 'AssignmentExpression' &&
      node.left.type === 'MemberExpression' &&
      node.left.object.type === 'Identifier' &&
      node.left.object.name === 'module'
    )
      viaModule = true
  })
  return viaModule ? 'module.exports' : 'none'
}
