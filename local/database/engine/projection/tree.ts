import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import type { Evaluate } from '../expression/scope.ts'

/** What a projection does at one level of a document. */
export interface ProjectionNode {
  /** Fields kept whole (inclusion) or left out (exclusion). */
  readonly named: Set<string>
  readonly computed: Map<string, Evaluate>
  readonly children: Map<string, ProjectionNode>
  /** Computed fields and children in the order in which they were written: new fields appear in it. */
  readonly order: string[]
}

export function createNode(): ProjectionNode {
  return { named: new Set(), computed: new Map(), children: new Map(), order: [] }
}

export function hasComputed(node: ProjectionNode): boolean {
  return node.computed.size > 0 || Array.from(node.children.values()).some(hasComputed)
}

export function childOf(node: ProjectionNode, name: string): ProjectionNode {
  let child = node.children.get(name)
  if (child === undefined) {
    child = createNode()
    node.children.set(name, child)
    node.order.push(name)
  }
  return child
}

/** Keeps only the named fields, in the document's order. */
export function include(doc: Doc, node: ProjectionNode): Doc {
  const result: Doc = new Map()
  for (const [name, value] of doc) {
    if (node.named.has(name)) result.set(name, value)
    else {
      const child = node.children.get(name)
      if (child === undefined) continue
      const kept = includeValue(value, child)
      if (kept !== undefined) result.set(name, kept)
    }
  }
  return result
}

function includeValue(value: Value, node: ProjectionNode): Value | undefined {
  if (isDoc(value)) return include(value, node)
  if (!Array.isArray(value)) return undefined
  // Where fields are computed below, each element gets them: one that cannot hold them still has its place.
  const holdsPlaces = hasComputed(node)
  const result: Value[] = []
  for (const item of value) {
    const kept = includeValue(item, node)
    if (kept !== undefined) result.push(kept)
    else if (holdsPlaces) result.push(null)
  }
  return result
}

/** Leaves out the named fields. */
export function exclude(doc: Doc, node: ProjectionNode): Doc {
  const result: Doc = new Map()
  for (const [name, value] of doc) {
    if (node.named.has(name)) continue
    const child = node.children.get(name)
    result.set(name, child === undefined ? value : excludeValue(value, child))
  }
  return result
}

function excludeValue(value: Value, node: ProjectionNode): Value {
  if (isDoc(value)) return exclude(value, node)
  return Array.isArray(value) ? value.map((item) => excludeValue(item, node)) : value
}

/** Sets the computed fields in `result`, evaluating them on `root`. */
export function compute(result: Doc, node: ProjectionNode, root: Doc): void {
  for (const name of node.order) {
    const evaluate = node.computed.get(name)
    if (evaluate !== undefined) {
      const value = evaluate(root)
      if (value === undefined) result.delete(name)
      else result.set(name, value)
      continue
    }
    const child = node.children.get(name)
    if (child !== undefined && hasComputed(child)) {
      result.set(name, computeValue(result.get(name), child, root))
    }
  }
}

function computeValue(value: Value | undefined, node: ProjectionNode, root: Doc): Value {
  if (Array.isArray(value)) return value.map((item) => computeValue(item, node, root))
  // A value that cannot hold the computed fields gives way to a document that does.
  const result: Doc = isDoc(value) ? new Map(value) : new Map()
  compute(result, node, root)
  return result
}
