import type { Scenario } from '../scenario.ts'
import type { Departure, Observed } from './departure.ts'
import { bothAgreeOn } from './proof.ts'
import { mapCommands, rewriteDocuments, rewriteValues } from './rewrite.ts'

/** How DocumentDB keeps indexes. */
export const INDEX_DEPARTURES: readonly Departure[] = [
  {
    name: 'missing fields in unique indexes',
    reason:
      'A unique index takes a missing field for null, once (manual, "Unique Indexes", "Missing Document Field in a Unique Single-Field Index")',
    matches: (observed) => /unique: true/.test(observed.text) && refusesNullsAlone(observed),
    proof: bothAgreeOn(withoutUnique),
  },
  {
    name: 'repeated keys in unique indexes',
    reason:
      'A unique index refuses a key that another document has (manual, "Unique Indexes", "Unique Constraint Across Separate Documents"); DocumentDB overlooks it when an array of the document has a key twice',
    matches: ({ difference, text }) => /unique: true/.test(text) && difference.kind !== 'result',
    proof: bothAgreeOn((scenario) => rewriteValues(scenario, withoutRepetition)),
  },
]

/** Every key that ours alone refused has a null in it. */
function refusesNullsAlone({ localObservation, serverObservation }: Observed): boolean {
  return localObservation.answers.every(
    ({ error }, index) =>
      error?.code !== 11000 ||
      serverObservation.answers[index]?.error?.code === 11000 ||
      /dup key: \{.*: null/.test(error.message),
  )
}

/** Every array without elements that have the key of one before them. */
function withoutRepetition(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const keys = value.map((item) => String(item instanceof Map ? item.get('k') : item))
  return value.filter((_, index) => keys.indexOf(keys[index] ?? '') === index)
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
