import type { AnyNode, Node } from 'acorn'
import type { Json } from '../../schemas/app/definition.ts'

/** The value of a literal expression: JSON with comments and trailing commas, read by a JavaScript parser. */
export function literalValue(expression: Node): Json {
  const node = expression as AnyNode
  switch (node.type) {
    case 'Literal':
      if (typeof node.value === 'string' || typeof node.value === 'number' || typeof node.value === 'boolean')
        return node.value
      if (node.raw === 'null') return null
      break
    case 'UnaryExpression':
      if (node.operator === '-') return -Number(literalValue(node.argument))
      break
    case 'ArrayExpression':
      return node.elements.map((element) => (element === null ? null : literalValue(element)))
    case 'ObjectExpression':
      return Object.fromEntries(
        node.properties.map((property) => {
          if (property.type !== 'Property') throw new TypeError('only plain members are allowed')
          const key = property.key as AnyNode
          return [key.type === 'Identifier' ? key.name : String(literalValue(key)), literalValue(property.value)]
        }),
      )
  }
  throw new TypeError(`no literal value: ${node.type}`)
}
