import type { Node } from 'acorn'

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Calls `visit` for every node below `root`, parents first, with the ancestors from the root down. */
export function walk(root: Node, visit: (node: Node, ancestors: readonly Node[]) => void): void {
  const ancestors: Node[] = []
  const descend = (node: Node): void => {
    visit(node, ancestors)
    ancestors.push(node)
    for (const key in node) {
      const value: unknown = Reflect.get(node, key)
      if (typeof value !== 'object' || value === null || key === 'range') continue
      if (Array.isArray(value)) {
        for (const member of value) if (isNode(member)) descend(member)
      } else if (isNode(value)) descend(value)
    }
    ancestors.pop()
  }
  descend(root)
}
