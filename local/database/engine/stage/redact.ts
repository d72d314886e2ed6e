import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { type Cell, constant, rootScope, withVariables } from '../expression/scope.ts'
import type { CompileStage } from './stage.ts'

const KEEP: Doc = new Map([['keep', true]])
const PRUNE: Doc = new Map([['prune', true]])
const DESCEND: Doc = new Map([['descend', true]])

export const redact: CompileStage = (spec, env) => {
  const current: Cell = { value: undefined }
  const scope = withVariables(rootScope(env), [
    ['KEEP', constant(KEEP)],
    ['PRUNE', constant(PRUNE)],
    ['DESCEND', constant(DESCEND)],
    ['CURRENT', () => current.value],
  ])
  const decide = compile(spec, scope)

  const redacted = (doc: Doc, root: Doc): Doc | undefined => {
    current.value = doc
    const decision = decide(root)
    if (decision === KEEP) return doc
    if (decision === PRUNE) return undefined
    if (decision !== DESCEND) {
      throw new DatabaseError(
        17053,
        '$redact must be applied to an expression that evaluates to one of $$DESCEND, $$PRUNE or $$KEEP',
      )
    }
    const result: Doc = new Map()
    for (const [name, value] of doc) {
      const kept = redactedValue(value, root)
      if (kept !== undefined) result.set(name, kept)
    }
    return result
  }

  const redactedValue = (value: Value, root: Doc): Value | undefined => {
    if (isDoc(value)) return redacted(value, root)
    if (!Array.isArray(value)) return value
    return value.flatMap((item): Value[] => {
      const kept = redactedValue(item, root)
      if (kept === undefined) return []
      return [kept]
    })
  }

  return function* (input) {
    for (const doc of input) {
      const result = redacted(doc, doc)
      if (result !== undefined) yield result
    }
  }
}
