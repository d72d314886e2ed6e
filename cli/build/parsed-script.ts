import { type Program, parse } from 'acorn'
import { analyze, type Reference, type ScopeManager } from 'eslint-scope'

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
