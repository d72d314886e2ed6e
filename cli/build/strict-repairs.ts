import type { AnyNode, Node } from 'acorn'
import type { ParsedScript } from './parsed-script.ts'
import type { TextEdits } from './text-edits.ts'
import { walk } from './walk.ts'

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

/** `\0` alone is the one escape of this family that strict mode keeps. */
export function hasOctalEscape(raw: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\(?:0[0-9]|[1-9])/.test(raw)
}

/** `function (a, a)`: the last one counts. */
export function renameDuplicateParameters(parameters: readonly Node[], edits: TextEdits): void {
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
export function renameBlockFunctions(script: ParsedScript, edits: TextEdits): Map<string, string> {
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
export function renameReserved(script: ParsedScript, edits: TextEdits, undeclared: Set<string>): void {
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
export function replaceIdentifier(
  script: ParsedScript,
  edits: TextEdits,
  identifier: IdentifierNode,
  name: string,
): void {
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
