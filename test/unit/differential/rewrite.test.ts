import { Int32 } from 'bson'
import { expect, it } from 'vitest'
import { mapDocuments, rewritePipelines, rewriteStored, rewriteValues } from '../../differential/departures/rewrite.ts'
import { literal } from '../../differential/generate/value.ts'
import type { Scenario } from '../../differential/scenario.ts'

const one = new Int32(1)

/** A scenario whose stored, inserted and sought documents, and a stage within a stage, are given. */
function scenarioOf(stored: unknown, inserted: unknown, sought: unknown, stages: readonly object[] = []): Scenario {
  const commands = [
    literal({ insert: 'things', documents: [literal({ _id: one, l: inserted })] }),
    literal({ find: 'things', filter: literal({ l: sought }) }),
    literal({ aggregate: 'things', pipeline: [literal({ $facet: literal({ a: stages }) })] }),
  ]
  return {
    options: literal({}),
    indexes: [],
    documents: [literal({ _id: one, l: stored })],
    commands: commands.map((command) => ({ command, ordered: true })),
  }
}

const filled = (value: unknown) => (Array.isArray(value) && value.length === 0 ? ['filled'] : value)

it('rewrites what is stored: documents of the start and inserted ones, and no filter', () => {
  expect(rewriteStored(scenarioOf([], [], []), filled)).toEqual(scenarioOf(['filled'], ['filled'], []))
  const marked = (l: unknown) => (document: ReadonlyMap<string, unknown>) => new Map([...document, ['l', l]])
  expect(mapDocuments(scenarioOf(1, 2, 3), marked('marked'))).toEqual(scenarioOf('marked', 'marked', 3))
})

it('rewrites each value of commands and documents once', () => {
  const longer = (value: unknown) => (typeof value === 'string' ? `${value}!` : value)
  const { documents, commands } = rewriteValues(scenarioOf('a', 'b', 'c'), longer)
  expect(documents).toEqual([literal({ _id: one, l: 'a!' })])
  expect(commands.slice(0, 2).map(({ command }) => command)).toEqual([
    literal({ insert: 'things!', documents: [literal({ _id: one, l: 'b!' })] }),
    literal({ find: 'things!', filter: literal({ l: 'c!' }) }),
  ])
})

it('rewrites pipelines within stages', () => {
  const [match, limit] = [literal({ $match: literal({}) }), literal({ $limit: one })]
  const limited = rewritePipelines(scenarioOf(1, 2, 3, [match]), (stages) => [...stages, limit])
  const [, , aggregate] = limited.commands
  expect(aggregate?.command.get('pipeline')).toEqual([literal({ $facet: literal({ a: [match, limit] }) }), limit])
})
