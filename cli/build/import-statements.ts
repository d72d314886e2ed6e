import { type ImportDeclaration, type Program, parse } from 'acorn'
import { TextEdits } from './text-edits.ts'

/**
 * The text with its `import` statements written as `require`, as App Services' own transpiler does with files that
 * import and assign `exports` all the same; other texts come back as they are. Lines stay where they were.
 */
export function importsAsRequire(text: string): string {
  if (!/^\s*import\b/m.test(text)) return text
  let program: Program
  try {
    program = parse(text, { ecmaVersion: 'latest', sourceType: 'module' })
  } catch {
    // Not a module either: what is wrong with it is said where it is parsed as a script.
    return text
  }
  const imports = program.body.filter((statement) => statement.type === 'ImportDeclaration')
  const exports = program.body.some((statement) => /^Export/.test(statement.type))
  if (imports.length === 0 || exports) return text
  const edits = new TextEdits(text)
  for (const statement of imports) {
    const lines = text.slice(statement.start, statement.end).split('\n').length - 1
    edits.replace(statement.start, statement.end, requireOf(statement, text) + '\n'.repeat(lines))
  }
  return edits.apply()
}

function requireOf(statement: ImportDeclaration, text: string): string {
  const loaded = `require(${JSON.stringify(statement.source.value)})`
  const names: string[] = []
  const declarations: string[] = []
  for (const specifier of statement.specifiers) {
    const local = specifier.local.name
    if (specifier.type === 'ImportNamespaceSpecifier') declarations.push(`${local} = ${loaded}`)
    else if (specifier.type === 'ImportDefaultSpecifier') declarations.push(`${local} = __edgeDefault(${loaded})`)
    else {
      const imported = text.slice(specifier.imported.start, specifier.imported.end)
      if (imported === 'default') declarations.push(`${local} = __edgeDefault(${loaded})`)
      else names.push(imported === local ? local : `${imported}: ${local}`)
    }
  }
  if (names.length > 0) declarations.push(`{ ${names.join(', ')} } = ${loaded}`)
  return declarations.length === 0 ? `${loaded};` : `const ${declarations.join(', ')};`
}
