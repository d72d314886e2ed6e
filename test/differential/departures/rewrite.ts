import type { Doc } from '../generate/value.ts'
import type { GeneratedCommand, Scenario } from '../scenario.ts'

/** A copy in which every document went through `change`, the innermost first. */
export function rewriteDocuments(value: unknown, change: (document: Doc) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => rewriteDocuments(item, change))
  if (!(value instanceof Map)) return value
  return change(rewriteFields(value, (inner) => rewriteDocuments(inner, change)))
}

export function rewriteFields(document: Doc, change: (value: unknown, name: string) => unknown): Doc {
  return new Map([...document].map(([name, value]) => [name, change(value, name)]))
}

/** Documents of one field named as an operator become what is said of the operator's operand. */
export function replacingOperators(
  operators: Readonly<Record<string, (operand: unknown) => unknown>>,
): (document: Doc) => unknown {
  return (document) => {
    const [name, operand] = [...document][0] ?? ['', undefined]
    const change = document.size === 1 ? operators[name] : undefined
    return change ? change(operand) : document
  }
}

/** The scenario with its commands rewritten: their documents at all depths, never the stored ones. */
export function rewriteCommands(scenario: Scenario, change: (document: Doc) => unknown): Scenario {
  return {
    ...scenario,
    commands: scenario.commands.map(({ command, ordered }) => ({
      command: rewriteFields(command, (value) => rewriteDocuments(value, change)),
      ordered,
    })),
  }
}

/** The scenario with every command put through `change`. */
export function mapCommands(scenario: Scenario, change: (command: Doc) => Doc): Scenario {
  return {
    ...scenario,
    commands: scenario.commands.map(
      ({ command, ordered }): GeneratedCommand => ({ command: change(command), ordered }),
    ),
  }
}

/** The scenario with every value of its documents and commands put through `change`, the innermost first. */
export function rewriteValues(scenario: Scenario, change: (value: unknown) => unknown): Scenario {
  const fields = (document: Doc) => rewriteFields(document, (value) => rewriteValue(value, change))
  return mapCommands({ ...scenario, documents: scenario.documents.map(fields) }, fields)
}

/** The scenario with every value of the documents of {@link mapDocuments} put through `change`, the innermost first. */
export function rewriteStored(scenario: Scenario, change: (value: unknown) => unknown): Scenario {
  return mapDocuments(scenario, (document) => rewriteFields(document, (value) => rewriteValue(value, change)))
}

function rewriteValue(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return change(value.map((item) => rewriteValue(item, change)))
  return change(value instanceof Map ? rewriteFields(value, (inner) => rewriteValue(inner, change)) : value)
}

/** Every update document of operators (no pipeline, no replacement) of the scenario put through `change`. */
export function rewriteUpdates(scenario: Scenario, change: (update: Doc) => Doc): Scenario {
  const isOperators = (update: unknown): update is Doc =>
    update instanceof Map && [...update.keys()].every((name) => String(name).startsWith('$'))
  const changed = (update: unknown) => (isOperators(update) ? change(update) : update)
  return mapCommands(scenario, (command) =>
    rewriteFields(command, (value, name) => {
      if (name === 'update') return changed(value)
      if (name !== 'updates' || !Array.isArray(value)) return value
      return value.map((one) => rewriteFields(one, (inner, key) => (key === 'u' ? changed(inner) : inner)))
    }),
  )
}

/** The scenario with every document that is stored at its start or inserted put through `change`. */
export function mapDocuments(scenario: Scenario, change: (document: Doc) => Doc): Scenario {
  const inserting = mapCommands(scenario, (command) => {
    const documents = command.get('documents')
    return command.has('insert') && Array.isArray(documents)
      ? new Map([...command, ['documents', documents.map(change)]])
      : command
  })
  return { ...inserting, documents: scenario.documents.map(change) }
}

/** Every pipeline of the scenario's aggregates and updates, and those within its stages, put through `change`. */
export function rewritePipelines(scenario: Scenario, change: (stages: readonly Doc[]) => readonly Doc[]): Scenario {
  const isStages = (value: unknown): value is Doc[] =>
    Array.isArray(value) && value.length > 0 && value.every((stage) => stage instanceof Map && isStage(stage))
  const rewrite = (value: unknown): unknown => {
    if (value instanceof Map) return rewriteFields(value, rewrite)
    if (!Array.isArray(value)) return value
    const inner = value.map(rewrite)
    return isStages(inner) ? change(inner) : inner
  }
  return mapCommands(scenario, (command) => rewriteFields(command, rewrite))
}

const STAGES = new Set(
  `$match $project $addFields $set $unset $skip $limit $unwind $replaceWith $replaceRoot $sort $redact $group $count
  $sortByCount $bucket $bucketAuto $lookup $unionWith $facet $setWindowFields $fill $densify $graphLookup $merge $out
  $sample $documents`.split(/\s+/),
)

function isStage(document: Doc): boolean {
  const [name = ''] = document.keys()
  return document.size === 1 && STAGES.has(name)
}
