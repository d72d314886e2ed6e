import type { AnyNode, CallExpression, MemberExpression, Node } from 'acorn'
import type { ParsedScript } from './parsed-script.ts'
import type { TextEdits } from './text-edits.ts'
import { walk } from './walk.ts'

/**
 * What the functions of one app hand each other through the engine instead of through arguments. On App Services the
 * functions of one request share one global object and one set of built-in prototypes; a host that serves many requests
 * at once must keep both apart by request.
 */
export interface SharedGlobals {
  /** Names that one function assigns without declaring them and another reads without assigning them. */
  readonly names: ReadonlySet<string>
  /** Names that some function adds to built-in objects, as in `Array.prototype.last = ...`. */
  readonly extensions: ReadonlySet<string>
}

export const noSharedGlobals: SharedGlobals = { names: new Set(), extensions: new Set() }

/** Objects of the engine that scripts extend; `console` is not among them: each request has its own. */
const builtins = new Set(
  (
    'Array ArrayBuffer Boolean Buffer Date Error Function Intl JSON Map Math Number Object Promise RangeError RegExp ' +
    'Set String Symbol SyntaxError TypeError URL URLSearchParams Uint8Array WeakMap WeakSet'
  ).split(' '),
)

/** Names that are never shared: the engine's own, and those that the wrapper gives each function. */
function isOwn(name: string): boolean {
  return (
    name in globalThis ||
    /^(?:context|BSON|EJSON|utils|require|console|exports|module|undefined|arguments|window|eval)$/.test(name) ||
    /^(?:implements|interface|let|package|private|protected|public|static|yield|await)$/.test(name)
  )
}

/** Finds what the functions of an app share. */
export function findSharedGlobals(scripts: readonly ParsedScript[]): SharedGlobals {
  const facts = scripts.map((script) => {
    const assigned = new Set<string>()
    const used = new Set<string>()
    for (const reference of script.free) {
      const { name } = reference.identifier
      if (!isOwn(name)) (reference.isWrite() ? assigned : used).add(name)
    }
    return { assigned, read: new Set([...used].filter((name) => !assigned.has(name))) }
  })
  const names = new Set<string>()
  for (const { read } of facts)
    for (const name of read) if (facts.some(({ assigned }) => assigned.has(name))) names.add(name)
  return { names, extensions: new Set(scripts.flatMap((script) => extendedNames(script))) }
}

function freeIdentifiers(script: ParsedScript): Set<unknown> {
  return new Set(script.free.map((reference) => reference.identifier))
}

/** `Array`, `Array.prototype`, `BSON.ObjectId` or `BSON.ObjectId.prototype`, by names that the script does not declare. */
function isBuiltinObject(node: AnyNode, free: ReadonlySet<unknown>): boolean {
  if (node.type === 'Identifier') return free.has(node) && builtins.has(node.name)
  if (node.type !== 'MemberExpression' || node.computed || node.property.type !== 'Identifier') return false
  if (node.property.name === 'prototype') return isBuiltinObject(node.object as AnyNode, free)
  return node.object.type === 'Identifier' && node.object.name === 'BSON' && free.has(node.object)
}

/** The property that a member expression names with a plain identifier. */
function plainName(member: MemberExpression): string | undefined {
  return !member.computed && member.property.type === 'Identifier' ? member.property.name : undefined
}

/** `Object.defineProperty(Array.prototype, 'last', ...)`: the name, when it is one of a built-in object. */
function definedName(node: CallExpression, free: ReadonlySet<unknown>): string | undefined {
  const [target, key] = node.arguments
  const { callee } = node
  if (callee.type !== 'MemberExpression' || plainName(callee) !== 'defineProperty') return undefined
  if (callee.object.type !== 'Identifier' || !/^(?:Object|Reflect)$/.test(callee.object.name)) return undefined
  if (target === undefined || key?.type !== 'Literal' || typeof key.value !== 'string') return undefined
  return isBuiltinObject(target as AnyNode, free) ? key.value : undefined
}

function extendedNames(script: ParsedScript): string[] {
  const free = freeIdentifiers(script)
  const names: string[] = []
  walk(script.program, (visited) => {
    const node = visited as AnyNode
    if (node.type === 'CallExpression') {
      const name = definedName(node, free)
      if (name !== undefined) names.push(name)
    }
    if (node.type !== 'AssignmentExpression' || node.left.type !== 'MemberExpression') return
    const name = plainName(node.left)
    if (name !== undefined && name !== 'prototype' && isBuiltinObject(node.left.object as AnyNode, free))
      names.push(name)
  })
  return names
}

/** True where the expression is written to, deleted or constructed, and so must stay what it is. */
function isTarget(node: Node, parent: AnyNode | undefined): boolean {
  switch (parent?.type) {
    case 'AssignmentExpression':
    case 'AssignmentPattern':
    case 'ForInStatement':
    case 'ForOfStatement':
      return parent.left === node
    case 'UpdateExpression':
    case 'RestElement':
    case 'ArrayPattern':
      return true
    case 'UnaryExpression':
      return parent.operator === 'delete'
    case 'NewExpression':
      return parent.callee === node
    default:
      return false
  }
}

function isInsideChain(ancestors: readonly Node[]): boolean {
  for (const ancestor of ancestors.toReversed()) {
    if (ancestor.type === 'ChainExpression') return true
    if (ancestor.type !== 'MemberExpression' && ancestor.type !== 'CallExpression') return false
  }
  return false
}

/** Where `.name` or `?.name` begins. */
function dotOf(text: string, member: MemberExpression): number {
  let at = text.lastIndexOf('.', member.property.start)
  while (at > member.object.end && isInComment(text.slice(member.object.end, at))) at = text.lastIndexOf('.', at - 1)
  return text[at - 1] === '?' ? at - 1 : at
}

function isInComment(between: string): boolean {
  const line = between.slice(between.lastIndexOf('\n') + 1)
  return line.includes('//') || between.lastIndexOf('/*') > between.lastIndexOf('*/')
}

/**
 * Rewrites what a script adds to built-in objects, and every use of a name that was added somewhere, to go through the
 * extensions of the request.
 */
export function rewriteExtensions(script: ParsedScript, extensions: ReadonlySet<string>, edits: TextEdits): void {
  if (extensions.size === 0) return
  const free = freeIdentifiers(script)
  const { text } = script
  walk(script.program, (visited, ancestors) => {
    const node = visited as AnyNode
    const parent = ancestors.at(-1) as AnyNode | undefined
    if (node.type === 'CallExpression' && definedName(node, free) !== undefined)
      edits.replace(node.callee.start, node.callee.end, '__edgeDefine.bind(null, __edgeShared)')
    if (node.type !== 'MemberExpression' || node.object.type === 'Super') return
    const name = plainName(node)
    if (name === undefined || !extensions.has(name)) return
    const key = JSON.stringify(name)
    if (isTarget(node, parent)) {
      const adds = parent?.type === 'AssignmentExpression' && isBuiltinObject(node.object as AnyNode, free)
      if (!adds) return
      edits.insert(node.start, '__edgeSlot(__edgeShared, ')
      edits.replace(dotOf(text, node), node.property.end, `, ${key}).value`)
      return
    }
    const optional = node.optional || isInsideChain(ancestors)
    const called =
      (parent?.type === 'CallExpression' && parent.callee === node) ||
      (parent?.type === 'TaggedTemplateExpression' && parent.tag === node)
    const skips = optional && parent?.type === 'CallExpression' && called && !parent.optional ? '?.' : ''
    edits.insert(node.start, `${called ? '__edgeMethod' : '__edgeMember'}(__edgeShared, `)
    edits.replace(dotOf(text, node), node.property.end, `, ${key}${optional ? ', true' : ''})${skips}`)
  })
}

/** What the rewritten code calls; text of the module around the functions. */
export const sharedPrelude = [
  "const __edgeExtensions = Symbol('extensions')",
  'const __edgeSlots = (shared, target) => {',
  '  const all = (shared[__edgeExtensions] ??= new Map())',
  '  if (!all.has(target)) all.set(target, new Map())',
  '  return all.get(target)',
  '}',
  'const __edgeSlot = (shared, target, name) => ({',
  '  get value() { return __edgeMember(shared, target, name) },',
  '  set value(value) { __edgeSlots(shared, target).set(name, { value }) },',
  '})',
  'const __edgeDefine = (shared, target, name, descriptor) => {',
  '  __edgeSlots(shared, target).set(name, descriptor)',
  '  return target',
  '}',
  'const __edgeMember = (shared, object, name, optional) => {',
  '  if (optional && (object === null || object === undefined)) return undefined',
  '  const all = shared[__edgeExtensions]',
  '  if (all !== undefined && object !== null && object !== undefined)',
  '    for (let at = Object(object); at !== null; at = Object.getPrototypeOf(at)) {',
  '      const slot = all.get(at)?.get(name)',
  '      if (slot !== undefined) return slot.get === undefined ? slot.value : Reflect.apply(slot.get, object, [])',
  '      if (Object.hasOwn(at, name)) break',
  '    }',
  '  return object[name]',
  '}',
  'const __edgeMethod = (shared, object, name, optional) => {',
  '  const method = __edgeMember(shared, object, name, optional)',
  "  if (typeof method === 'function') return (...args) => Reflect.apply(method, object, args)",
  "  if (!optional) throw new TypeError(name + ' is not a function')",
  '  return method',
  '}',
].join('\n')
