import { Decimal128, Double } from 'bson'
import { compare } from '../compare.ts'
import type { Doc } from '../generate/value.ts'
import { doc, literal } from '../generate/value.ts'
import type { Scenario } from '../scenario.ts'
import { type Departure, type Observed, serverFails } from './departure.ts'
import { anyOf, bothAgreeOn, serverAgreesOn, serverAgreesWithout } from './proof.ts'
import {
  mapCommands,
  mapDocuments,
  rewriteCommands,
  rewritePipelines,
  rewriteStored,
  rewriteUpdates,
  rewriteValues,
} from './rewrite.ts'

/** How DocumentDB updates. */
export const UPDATE_DEPARTURES: readonly Departure[] = [
  {
    name: 'order of new fields',
    reason:
      'Update operators process fields in lexicographic order since MongoDB 5.0 (manual, "Update Operators", "Behavior")',
    // Beside another departure the answers differ in more than their order: the proof alone decides.
    matches: ({ text }) => /\bu(pdate)?: \{/.test(text),
    proof: serverAgreesOn((scenario) => rewriteUpdates(scenario, inLexicographicOrder)),
  },
  {
    name: '$push of nothing',
    reason:
      '$push and $addToSet add an array that is absent (manual, "$push", "Behavior"); $slice of 0 leaves it empty (manual, "$slice"), and so does an empty $each, on which the manual is silent (addtoset_node_test.cpp)',
    matches: ({ text }) => /\$(push|addToSet): .*(\$each: \[\]|\$slice: 0)/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(scenario, (document) => (leavesNothing(document) ? literal({ $each: ['pushed'] }) : document)),
    ),
  },
  {
    name: '$rename through an array',
    reason:
      '$rename does not work in elements of arrays (manual, "$rename", "Behavior"); a name under an array is an error whether it is there or not (jstests, rename_operator.js)',
    matches: ({ local }) =>
      /The (source|destination) field cannot be an array element|Cannot (create|rename)/.test(
        local?.error?.message ?? '',
      ),
    proof: bothAgreeOn((scenario) => rewriteUpdates(scenario, (update) => withoutPaths(update, '$rename', /./))),
  },
  {
    name: 'parents of nothing',
    reason:
      '$unset and $rename of a missing field do nothing (manual, each); the manual is silent on the others, which do nothing either (update_modifier_pop.js, pull_node_test.cpp). DocumentDB makes the parent',
    matches: ({ text }) => /\$(pull|pullAll|pop|unset|rename)\b/.test(text),
    proof: anyOf(
      serverAgreesWithout(removals),
      bothAgreeOn((scenario) => mapDocuments(scenario, withParent)),
    ),
  },
  {
    name: '$unset of a path that cannot be',
    reason:
      '$unset of a field that does not exist does nothing (manual, "$unset", "Behavior"); DocumentDB refuses a name under an array',
    matches: ({ difference, server }) =>
      serverFails(difference) && server?.error?.code === 28 && /Invalid array index path/.test(server.error.message),
    proof: serverAgreesWithout(removals),
  },
  {
    name: 'matched but not modified',
    reason: 'n counts matched documents (manual, "findAndModify", "lastErrorObject"); DocumentDB counts modified ones',
    matches: ({ difference, local, server }) =>
      difference.kind === 'counts' &&
      local?.summary === '{"n": number(1), "updatedExisting": true}' &&
      server?.summary === '{"n": number(0), "updatedExisting": false}' &&
      server.documents.length === 1,
  },
  {
    name: 'modified without a change',
    reason: 'nModified counts documents that changed (manual, "update", "Output"), not those rewritten as they were',
    matches: ({ difference, local, server, command }) =>
      difference.kind === 'counts' &&
      command?.has('update') === true &&
      countOf('n', local?.summary) === countOf('n', server?.summary) &&
      countOf('nModified', local?.summary) < countOf('nModified', server?.summary),
    proof: async (observed, ask) => {
      const changed = countOf('nModified', observed.local?.summary)
      const { data } = await ask.local(before(observed))
      const { data: after } = await ask.local(upTo(observed))
      return data.filter((document, index) => document !== after[index]).length === changed
    },
  },
  {
    name: 'negative zeros made plain',
    reason:
      'The manual is silent on the sign of zeros; MongoDB leaves a number that $inc made one of its type and value (safe_num.cpp, "isIdentical"), DocumentDB makes -0 plain',
    matches: ({ text }) => /\$inc: /.test(text) && /-0\b(?!\.)/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteStored(scenario, (value) => (isNegativeZero(value) ? new Double(0) : value)),
    ),
  },
  {
    name: 'rolled back writes of many',
    reason:
      'An update of many is not atomic as a whole (manual, "Atomicity and Transactions"), and what $merge wrote before it failed is not reverted (manual, "$merge", "whenMatched"); DocumentDB reverts',
    matches: (observed) => failedHalfway(observed).length > 0,
    proof: async (observed, ask) => {
      const failed = failedHalfway(observed)
      const without = <T>(list: readonly T[]) => list.filter((_, index) => !failed.includes(index))
      const rest = { ...observed.scenario, commands: without(observed.scenario.commands) }
      const { answers, data } = observed.serverObservation
      const reverted = compare(rest, await ask.server(rest), { answers: without(answers), data }) === undefined
      return reverted && ask.agree(rest)
    },
  },
  {
    name: 'conflicts found late',
    reason:
      'Error 40 is ConflictingUpdateOperators (manual, "Error Codes"), which has no more on it; it comes whatever the documents hold, even for none (jstests, update_arrayFilters.js)',
    matches: ({ difference, local, command }) =>
      difference.kind === 'error' && local?.error?.code === 40 && hasConflict(command),
  },
  {
    name: 'one field twice',
    reason:
      'A document has a field once (manual, "Documents", "Uniqueness Requirements"); $mergeObjects of $$ROOT in DocumentDB repeats _id',
    matches: ({ difference, text }) =>
      difference.kind !== 'error' &&
      difference.kind !== 'no error' &&
      text.includes("$replaceWith: { $mergeObjects: ['$$ROOT', '$o'] }"),
    proof: serverAgreesOn((scenario) => {
      const { commands } = rewritePipelines(scenario, (stages) => stages.map(mergedBesideId))
      return {
        ...scenario,
        commands: scenario.commands.map((asked, index) =>
          asked.command.has('aggregate') ? asked : (commands[index] ?? asked),
        ),
      }
    }),
  },
  {
    name: 'array updates of nothing',
    reason:
      '$[] and $[identifier] fail in an upsert without the array: the path must exist in the document (manual, "$[<identifier>]", "upsert"), whatever the operator',
    matches: ({ local }) =>
      /must exist in the document in order to apply array updates/.test(local?.error?.message ?? ''),
    proof: bothAgreeOn((scenario) => {
      const unfiltered = mapCommands(rewriteCommands(scenario, withoutArrayFilters), withoutArrayFilters)
      return rewriteUpdates(unfiltered, (update) => withoutPaths(update, undefined, /\$\[/))
    }),
  },
  {
    name: 'constants in an upsert',
    reason:
      'The manual is silent on $expr in the filter of an upsert, which is not allowed (jstests, expr.js); DocumentDB drops a constant',
    matches: ({ local, text }) => local?.error?.code === 224 && /upsert: true/.test(text) && /\$expr/.test(text),
  },
  {
    name: '$min and $max of NaN',
    reason:
      'The manual is silent on the order of NaN, which MongoDB has below all numbers (expression_leaf.cpp), so that $max replaces it, and $min puts it',
    matches: ({ text }) => /(u|update): \{.*\$(min|max): /.test(text) && /NaN/.test(text),
    proof: bothAgreeOn((scenario) => rewriteValues(scenario, (value) => (isNaNValue(value) ? LOWEST : value))),
  },
]

/** Where NaN sorts, but for what lies below every double. */
const LOWEST = new Double(-Number.MAX_VALUE)

function isNegativeZero(value: unknown): boolean {
  if (value instanceof Double) return Object.is(value.value, -0)
  return value instanceof Decimal128 && Object.is(Number(value.toString()), -0)
}

function isNaNValue(value: unknown): boolean {
  return (value instanceof Double || value instanceof Decimal128) && Number.isNaN(Number(value.toString()))
}

/** One change an operator, by path; of two changes of one operator the first path first. */
function inLexicographicOrder(update: Doc): Doc {
  const sorted = [...update].map(([operator, fields]): [string, Doc] => [
    operator,
    doc(fields instanceof Map ? [...fields].sort(([a], [b]) => (a < b ? -1 : 1)) : []),
  ])
  return doc(sorted.sort((a, b) => (firstPath(a) < firstPath(b) ? -1 : 1)))
}

/** The first path that an operator changes; of a rename, where it adds a field. */
function firstPath([operator, fields]: readonly [string, Doc]): string {
  const [path = '', operand] = [...fields][0] ?? []
  return operator === '$rename' ? String(operand) : path
}

const REMOVALS = new Set(['$pull', '$pullAll', '$pop', '$unset', '$rename'])

/** Each removal of the updates of a scenario, to be left out. */
function removals(scenario: Scenario): ((scenario: Scenario) => Scenario)[] {
  const cuts: ((scenario: Scenario) => Scenario)[] = []
  rewriteUpdates(scenario, (update) => {
    for (const [operator, fields] of update) {
      if (!REMOVALS.has(operator) || !(fields instanceof Map)) continue
      for (const path of fields.keys()) {
        cuts.push((whole) => rewriteUpdates(whole, (other) => withoutPaths(other, operator, exactly(String(path)))))
      }
    }
    return update
  })
  return cuts
}

/** A document with the only field that generated removals find others in. */
function withParent(document: Doc): Doc {
  return document.has('o') ? document : new Map([...document, ['o', literal({})]])
}

function withoutArrayFilters(document: Doc): Doc {
  return new Map([...document].filter(([name]) => name !== 'arrayFilters'))
}

function exactly(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[.$[\]]/g, '\\$&')}$`)
}

/** What is left of an update without the changes of some paths, by one operator or by all; it still is one of operators. */
function withoutPaths(update: Doc, operator: string | undefined, paths: RegExp): Doc {
  const left = [...update].map(([name, fields]): [string, unknown] => [
    name,
    fields instanceof Map && (operator === undefined || name === operator)
      ? doc([...fields].filter(([field]) => !paths.test(field)))
      : fields,
  ])
  const kept = left.filter(([, fields]) => !(fields instanceof Map) || fields.size > 0)
  return doc(kept.length > 0 ? kept : [['$unset', literal({ 'not there': '' })]])
}

/** The operand of a `$push` or `$addToSet` that adds nothing, or of which nothing stays. */
function leavesNothing(operand: Doc): boolean {
  const [each, slice] = [operand.get('$each'), operand.get('$slice')]
  return Array.isArray(each) && (each.length === 0 || Number(slice) === 0)
}

function countOf(name: string, summary: string | undefined): number {
  return Number(new RegExp(`\\b${name}: (\\d+)`).exec(summary ?? '')?.[1] ?? 0)
}

/** The places of commands that write one document after another and end with an error on both. */
function failedHalfway({ scenario, localObservation, serverObservation }: Observed): number[] {
  return [...scenario.commands.keys()].filter((index) => {
    const command = scenario.commands[index]?.command
    const both = localObservation.answers[index]?.error && serverObservation.answers[index]?.error
    return command && isGradual(command) && both !== undefined
  })
}

function isGradual(command: Doc): boolean {
  const stages = [command.get('pipeline')].flat()
  const [update] = [command.get('updates')].flat()
  return (
    stages.some((stage) => stage instanceof Map && stage.has('$merge')) ||
    (update instanceof Map && update.get('multi') === true)
  )
}

function hasConflict(command: Doc | undefined): boolean {
  const [first] = [command?.get('updates')].flat()
  const update = first instanceof Map ? first.get('u') : command?.get('update')
  if (!(update instanceof Map)) return false
  const paths = [...update].flatMap(([operator, fields]) =>
    fields instanceof Map
      ? [...fields].flatMap(([path, target]) => (operator === '$rename' ? [path, String(target)] : [path]))
      : [],
  )
  return paths.some((a, index) => paths.some((b, other) => index !== other && (a === b || b.startsWith(`${a}.`))))
}

/** The scenario as it was before the command that differs, and after it. */
function before({ scenario, difference: { where } }: Observed): Scenario {
  return { ...scenario, commands: scenario.commands.slice(0, Number(where)) }
}

function upTo({ scenario, difference: { where } }: Observed): Scenario {
  return { ...scenario, commands: scenario.commands.slice(0, Number(where) + 1) }
}

function mergedBesideId(stage: Doc): Doc {
  const merge = stage.get('$replaceWith')
  const parts = merge instanceof Map ? merge.get('$mergeObjects') : undefined
  if (!Array.isArray(parts) || parts[0] !== '$$ROOT') return stage
  const withoutId = literal({ $unsetField: literal({ field: '_id', input: '$$ROOT' }) })
  return literal({ $replaceWith: literal({ $mergeObjects: [withoutId, ...parts.slice(1)] }) })
}
