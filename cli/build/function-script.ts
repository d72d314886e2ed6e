import { type AnyNode, type Node, type Program, parse } from 'acorn'
import { analyze, type Reference, type ScopeManager } from 'eslint-scope'
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

/** The script does not parse, or needs what no module can offer (`with`). */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly line: number | undefined
  readonly kind: 'syntax' | 'sloppy' | 'module'

  constructor(kind: 'syntax' | 'sloppy' | 'module', message: string, line: number | undefined) {
    super(message)
    this.kind = kind
    this.line = line
  }
}

export const wrapperParameters = ['context', 'BSON', 'EJSON', 'utils', 'require', 'console', 'exports', 'module']

/** Identifiers in sloppy mode, reserved in strict mode or in modules (ECMA-262 12.7.2). */
const strictReserved = new Set([
  'implements',
  'interface',
  'let',
  'package',
  'private',
  'protected',
  'public',
  'static',
  'yield',
  'await',
])

/** A parsed script with its scopes, shared by every step that reads it. */
export interface ParsedScript {
  readonly text: string
  readonly program: Program
  readonly scopes: ScopeManager
  /** References that no declaration of the script resolves. */
  readonly free: readonly Reference[]
}

/** The 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

const parsed = new Map<string, ParsedScript>()
const parsedLimit = 64

/** Parses a script of sloppy mode; the last ones are kept, since checks and builds read the same text. @throws {ScriptError} */
export function parseScript(text: string): ParsedScript {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const script = parseAnew(text)
  for (const oldest of [...parsed.keys()].slice(0, Math.max(0, parsed.size + 1 - parsedLimit))) parsed.delete(oldest)
  parsed.set(text, script)
  return script
}

function parseAnew(text: string): ParsedScript {
  let program: Program
  try {
    program = parse(text, { ecmaVersion: 'latest', sourceType: 'script', ranges: true, allowHashBang: true })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const message = error.message.replace(/ \(\d+:\d+\)$/, '')
    const line = 'pos' in error && typeof error.pos === 'number' ? lineAt(text, error.pos) : undefined
    throw new ScriptError(/'import' and 'export'|import\.meta/.test(message) ? 'module' : 'syntax', message, line)
  }
  // acorn's tree is ESTree with ranges, which is what eslint-scope reads; the two packages type it apart.
  const scopes = analyze(program as Parameters<typeof analyze>[0], {
    ecmaVersion: 2022,
    sourceType: 'script',
    nodejsScope: true,
    ignoreEval: true,
  })
  return { text, program, scopes, free: scopes.globalScope?.through ?? [] }
}

/**
 * Makes a sloppy-mode script run unchanged in meaning inside a strict module: undeclared names that are assigned are
 * listed to be declared per call, `this` of plain calls, `delete name`, octal literals, duplicate parameters, functions
 * declared in blocks and names reserved in strict mode are rewritten (spec: real apps 2).
 *
 * @throws {ScriptError} when it does not parse, or uses `with`
 */
export function readFunctionScript(source: string): FunctionScript {
  const text = source.replace(/^#!.*/, '')
  const script = parseScript(text)
  const edits = new TextEdits(text)
  const uses = new Set<'globalThis' | 'global' | 'process' | 'this' | 'import' | 'eval'>()
  const renamed = renameBlockFunctions(script, edits)
  const undeclared = new Set<string>(renamed.values())
  for (const reference of script.free) {
    const { name } = reference.identifier
    if (name === 'globalThis' || name === 'global' || name === 'process' || name === 'eval') uses.add(name)
    if (reference.isWrite() && !renamed.has(name) && !wrapperParameters.includes(name)) undeclared.add(name)
  }
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

/** `\0` alone is the one escape of this family that strict mode keeps. */
function hasOctalEscape(raw: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\(?:0[0-9]|[1-9])/.test(raw)
}

function renameDuplicateParameters(parameters: readonly Node[], edits: TextEdits): void {
  const names = parameters.map((parameter) =>
    (parameter as AnyNode).type === 'Identifier' ? String(Reflect.get(parameter, 'name')) : '',
  )
  for (const [index, name] of names.entries()) {
    const parameter = parameters[index]
    if (name === '' || parameter === undefined || names.lastIndexOf(name) === index) continue
    edits.replace(parameter.start, parameter.end, `__edgeUnused${index}`)
  }
}

/**
 * A function declared in a block is visible outside of it in sloppy mode (ECMA-262 B.3.3). The uses outside, which
 * strict mode leaves unresolved, get a variable that the block sets when it is entered.
 */
function renameBlockFunctions(script: ParsedScript, edits: TextEdits): Map<string, string> {
  const renamed = new Map<string, string>()
  const outside = new Set(script.free.map((reference) => reference.identifier.name))
  for (const scope of script.scopes.scopes) {
    if (scope.type !== 'block') continue
    for (const variable of scope.variables) {
      if (!outside.has(variable.name) || !variable.defs.some(({ type }) => type === 'FunctionName')) continue
      const name = `__edgeBlock_${variable.name}`
      renamed.set(variable.name, name)
      edits.insert((scope.block.range?.[0] ?? 0) + 1, `${name} = ${variable.name};`)
    }
  }
  if (renamed.size > 0)
    for (const reference of script.free) {
      const name = renamed.get(reference.identifier.name)
      if (name !== undefined) replaceIdentifier(script, edits, reference.identifier, name)
    }
  return renamed
}

/** Names such as `package` or `public` are legal in a script and reserved in a module. */
function renameReserved(script: ParsedScript, edits: TextEdits, undeclared: Set<string>): void {
  const done = new Set<number>()
  const rename = (identifier: IdentifierNode): void => {
    const start = startOf(identifier)
    if (!strictReserved.has(identifier.name) || done.has(start)) return
    done.add(start)
    replaceIdentifier(script, edits, identifier, `__edge_${identifier.name}`)
  }
  for (const scope of script.scopes.scopes) {
    for (const variable of scope.variables) for (const identifier of variable.identifiers) rename(identifier)
    for (const reference of scope.references) rename(reference.identifier)
  }
  for (const name of [...undeclared])
    if (strictReserved.has(name)) {
      undeclared.delete(name)
      undeclared.add(`__edge_${name}`)
    }
}

type IdentifierNode = { readonly name: string; readonly range?: readonly [number, number] | undefined }

function startOf(identifier: IdentifierNode): number {
  return identifier.range?.[0] ?? 0
}

/** In `{ name }` the identifier is key and value at once: only the value may change. */
function replaceIdentifier(script: ParsedScript, edits: TextEdits, identifier: IdentifierNode, name: string): void {
  const start = startOf(identifier)
  const isShorthand = shorthandStarts(script).has(start)
  edits.replace(start, start + identifier.name.length, isShorthand ? `${identifier.name}: ${name}` : name)
}

const shorthands = new WeakMap<ParsedScript, Set<number>>()

function shorthandStarts(script: ParsedScript): Set<number> {
  const known = shorthands.get(script)
  if (known !== undefined) return known
  const starts = new Set<number>()
  walk(script.program, (visited) => {
    const node = visited as AnyNode
    if (node.type === 'Property' && node.shorthand) starts.add(node.start)
  })
  shorthands.set(script, starts)
  return starts
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
