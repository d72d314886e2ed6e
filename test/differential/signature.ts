import type { Difference } from './compare.ts'
import type { Scenario } from './scenario.ts'
import { toSnippet } from './snippet.ts'

/** What makes a difference one of its kind: how it shows, and the operators and commands of its smallest form. */
export interface Signature {
  readonly kind: string
  readonly words: ReadonlySet<string>
}

export function signatureOf(scenario: Scenario, { kind }: Difference): Signature {
  const words = toSnippet({ ...scenario, documents: [] }).match(
    /\$\w+|\b(find|aggregate|update|findAndModify|insert|distinct|count|delete|createIndexes)(?=: ')/g,
  )
  return { kind, words: new Set(words ?? []) }
}

/** @returns whether `found` shows as `seen` does and has all of its words: most likely the same difference again */
export function covers(seen: Signature, found: Signature): boolean {
  return seen.kind === found.kind && [...seen.words].every((word) => found.words.has(word))
}
