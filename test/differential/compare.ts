import type { Scenario } from './scenario.ts'
import type { Answer, Observation, ServerError } from './server.ts'

export interface Difference {
  /** Index of the command; `data` when only the documents left behind differ. */
  readonly where: number | 'data'
  /** What differs, such as `error, result`: with the operators of the scenario the signature of a difference. */
  readonly kind: 'error' | 'no error' | 'error class' | 'result' | 'counts' | 'data'
  readonly local: string
  readonly server: string
}

/** Errors are held against each other by what a caller does about them. */
function errorClass({ code }: ServerError): string {
  if (code === 11000) return 'duplicate key'
  if (code === 121) return 'document validation'
  if (code === 85 || code === 86) return 'index conflict'
  return 'bad request'
}

/** The first difference between what two servers did; undefined when there is none. */
export function compare(scenario: Scenario, local: Observation, server: Observation): Difference | undefined {
  for (const [index, { ordered }] of scenario.commands.entries()) {
    const [a, b] = [local.answers[index], server.answers[index]]
    if (!a || !b) continue
    const kind = answerDifference(a, b, ordered)
    if (kind) return { where: index, kind, local: printAnswer(a, ordered), server: printAnswer(b, ordered) }
  }
  if (local.data.join('\n') === server.data.join('\n')) return undefined
  return { where: 'data', kind: 'data', local: local.data.join('\n'), server: server.data.join('\n') }
}

function answerDifference(a: Answer, b: Answer, ordered: boolean): Difference['kind'] | undefined {
  if (a.error && !b.error) return 'error'
  if (!a.error && b.error) return 'no error'
  if (a.error && b.error && errorClass(a.error) !== errorClass(b.error)) return 'error class'
  const [left, right] = ordered ? [a.documents, b.documents] : [[...a.documents].sort(), [...b.documents].sort()]
  if (left.join('\n') !== right.join('\n')) return 'result'
  // A server may leave the counts of an index build out.
  return a.summary === b.summary || a.summary === '' || b.summary === '' ? undefined : 'counts'
}

function printAnswer({ error, summary, documents }: Answer, ordered: boolean): string {
  const lines = [
    ...(error ? [`error ${error.code}: ${error.message}`] : []),
    ...(summary === '' ? [] : [summary]),
    ...(ordered ? documents : [...documents].sort()),
  ]
  return lines.length === 0 ? 'nothing' : lines.join('\n')
}
