import { SourceMap } from 'node:module'
import type { AnyNode } from 'acorn'
import { engineGlobals, engineMends, engineRegexFlags } from './engine-globals.ts'
import { lineAt, parseScript } from './parsed-script.ts'
import { walk } from './walk.ts'

/** Something in a compiled function that the App Services engine cannot run. */
export interface EngineProblem {
  readonly what: string
  readonly mend: string
  /** In the compiled script, 1-based line and 0-based column. */
  readonly line: number
  readonly column: number
}

/** Finds what the App Services engine lacks in a compiled function script (function runtime 7). */
export function engineProblems(script: string): EngineProblem[] {
  const parsed = parseScript(script)
  const problems: EngineProblem[] = []
  const add = (node: AnyNode, what: string, mend: string) =>
    problems.push({
      what,
      mend,
      line: lineAt(script, node.start),
      column: node.start - (script.lastIndexOf('\n', node.start - 1) + 1),
    })
  const guarded = new Set<unknown>()
  walk(parsed.program, (visited) => {
    const node = visited as AnyNode
    if (node.type === 'UnaryExpression' && node.operator === 'typeof') guarded.add(node.argument)
    if (node.type === 'Literal' && typeof node.value === 'bigint')
      add(node, 'BigInt', engineMends.BigInt ?? 'use number')
    if (node.type === 'Literal' && node.regex && !engineRegexFlags.test(node.regex.flags))
      add(
        node,
        `the regular expression flag in /${node.regex.pattern}/${node.regex.flags}`,
        'use only the flags g, i, m',
      )
    if (node.type === 'NewExpression' || node.type === 'CallExpression') {
      const [, flags] = node.arguments
      if (
        node.callee.type === 'Identifier' &&
        node.callee.name === 'RegExp' &&
        flags?.type === 'Literal' &&
        typeof flags.value === 'string' &&
        !engineRegexFlags.test(flags.value)
      )
        add(node, `the regular expression flag in "${flags.value}"`, 'use only the flags g, i, m')
    }
    if (node.type === 'ImportExpression') add(node, 'import()', 'import it at the top of the file')
  })
  for (const reference of parsed.free) {
    const { identifier } = reference
    if (engineGlobals.has(identifier.name) || guarded.has(identifier)) continue
    add(
      identifier as AnyNode,
      identifier.name,
      (Object.hasOwn(engineMends, identifier.name) ? engineMends[identifier.name] : undefined) ??
        'declare it, or do without it',
    )
  }
  return problems
}

/** `file:line` of the source behind a position of the compiled script, by its source map; undefined for helpers. */
export function sourcePosition(mapText: string, problem: EngineProblem): { source: string; line: number } | undefined {
  const entry = new SourceMap(JSON.parse(mapText)).findEntry(problem.line - 1, problem.column)
  return 'originalSource' in entry && entry.originalSource
    ? { source: entry.originalSource, line: entry.originalLine + 1 }
    : undefined
}
