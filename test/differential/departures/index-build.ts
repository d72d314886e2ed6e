import type { Scenario } from '../scenario.ts'
import type { Departure, Observed } from './departure.ts'
import { bothAgreeOn } from './proof.ts'
import { mapCommands, rewriteDocuments } from './rewrite.ts'

/** How DocumentDB keeps indexes. */
export const INDEX_DEPARTURES: readonly Departure[] = [
  {
    name: 'missing fields in unique indexes',
    reason: 'A unique index takes a missing field for null, once (manual, "Unique Indexes", "Missing Document Field")',
    matches: (observed) => /unique: true/.test(observed.text) && refusesNullsAlone(observed),
    proof: bothAgreeOn(withoutUnique),
  },
]

/** Every key that ours refused has a null in it. */
function refusesNullsAlone({ localObservation: { answers } }: Observed): boolean {
  return answers.every(({ error }) => error?.code !== 11000 || /dup key: \{.*: null/.test(error.message))
}

function withoutUnique(scenario: Scenario): Scenario {
  const plain = (value: unknown) =>
    rewriteDocuments(value, (document) => new Map([...document].filter(([name]) => name !== 'unique')))
  const commands = mapCommands(scenario, (command) => {
    const rewritten = plain(command)
    return rewritten instanceof Map ? rewritten : command
  })
  return {
    ...commands,
    indexes: scenario.indexes.map((index) => new Map([...index].filter(([name]) => name !== 'unique'))),
  }
}
