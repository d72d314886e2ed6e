import { Int32 } from 'bson'
import type { Described } from '../described.ts'
import type { Doc } from '../generate/value.ts'
import { doc, literal } from '../generate/value.ts'
import { type Departure, serverFails } from './departure.ts'
import { anyOf, bothAgreeOn, oursAgreesOn, serverAgreesOn } from './proof.ts'
import { replacingOperators, rewriteCommands, rewriteFields, rewritePipelines } from './rewrite.ts'
import { sameAfter, withSortedElements } from './text.ts'

/** How DocumentDB runs the stages of a pipeline. */
export const STAGE_DEPARTURES: readonly Departure[] = [
  {
    name: '$count of nothing',
    reason: '$count of no documents returns no result (manual, "$count", "Behavior")',
    matches: ({ difference, text }) => /\$count: '/.test(text) && /"(total|n)": int\(0\)/.test(difference.server),
    proof: serverAgreesOn((scenario) => rewritePipelines(scenario, (stages) => stages.flatMap(countedByGroup))),
  },
  {
    name: 'depth of $graphLookup',
    reason: 'The depth is a long, and what is found comes in no order (manual, "$graphLookup", "depthField", "as")',
    matches: ({ difference, text }) =>
      /\$graphLookup/.test(text) &&
      sameAfter(difference, (value) => {
        if (value instanceof Map && value.has('"depth"'))
          return new Map([...value, ['"depth"', plain(value.get('"depth"'))]])
        return withSortedElements(value)
      }),
  },
  {
    name: 'conditions of $graphLookup',
    reason:
      'restrictSearchWithMatch is a condition for the search (manual, "$graphLookup"), with $expr (jstests, graphLookup/filter.js), without a word on documents that the search does not reach; DocumentDB computes it for those too',
    matches: ({ difference, text }) => serverFails(difference) && /restrictSearchWithMatch: .*\$expr/.test(text),
    proof: oursAgreesOn((scenario) => rewritePipelines(scenario, (stages) => stages.map(matchingAll))),
  },
  {
    name: 'conditions of $lookup',
    reason:
      'The pipeline of a $lookup by fields runs on the documents that match (manual, "$lookup", "Correlated Subqueries Using Concise Syntax"); DocumentDB computes its conditions for others too',
    matches: ({ difference, text }) => serverFails(difference) && /\$lookup: .*localField.*\$expr/.test(text),
    proof: oursAgreesOn((scenario) => rewriteCommands(scenario, lookingUpAll)),
  },
  {
    name: 'order of $lookup',
    reason:
      'The manual ("$lookup") promises no order of what matches: ours is that of the index which finds it, DocumentDB\'s that of the collection',
    matches: ({ difference, text }) =>
      difference.kind === 'result' &&
      /createIndexes/.test(text) &&
      /\$lookup/.test(text) &&
      sameAfter(difference, (value) => {
        const found = value instanceof Map ? value.get('"found"') : undefined
        return value instanceof Map && found !== undefined
          ? new Map([...value, ['"found"', withSortedElements(found)]])
          : value
      }),
  },
  {
    name: '$group by nothing',
    reason:
      'The manual ("$group") is silent on a key that is missing; it groups with null in the jstests (groupMissing.js). DocumentDB keeps it apart, without _id',
    matches: ({ difference, text }) => difference.kind === 'result' && /\$group: \{ _id: |\$sortByCount/.test(text),
    proof: serverAgreesOn((scenario) =>
      rewriteCommands(scenario, (stage) => {
        const group = stage.get('$group')
        if (!(group instanceof Map)) return stage
        return literal({
          $group: rewriteFields(group, (value, name) => (name === '_id' ? literal({ $ifNull: [value, null] }) : value)),
        })
      }),
    ),
  },
  {
    name: '$redact below what it decides',
    reason:
      '$$PRUNE and $$KEEP decide without further inspection (manual, "$redact"); DocumentDB inspects all the same',
    matches: ({ difference, text }) => /\$redact/.test(text) && serverFails(difference),
    proof: oursAgreesOn((scenario) =>
      rewriteCommands(scenario, (document) =>
        rewriteFields(document, (value) =>
          Array.isArray(value)
            ? value.map((item) => (item === '$$KEEP' || item === '$$PRUNE' ? '$$DESCEND' : item))
            : value,
        ),
      ),
    ),
  },
  {
    name: 'unused fields',
    reason:
      'A pipeline may use only the fields that it needs (manual, "Aggregation Pipeline Optimization", "Projection Optimization"), without a word on errors of the others: ours computes all, DocumentDB leaves out those that nobody reads, and their errors',
    matches: ({ difference, text }) => difference.kind === 'error' && /\$(addFields|set|project)\b/.test(text),
    proof: oursAgreesOn((scenario) => rewritePipelines(scenario, (stages) => stages.map(computingNothing))),
  },
  {
    name: 'stages before a limit',
    reason:
      '$limit passes a number of documents (manual, "$limit"), without a word on stages before it: ours computes those alone, DocumentDB the fields of others too',
    matches: ({ difference, text }) => serverFails(difference) && /\$limit: \d/.test(text),
    proof: oursAgreesOn((scenario) =>
      rewritePipelines(scenario, (stages) => stages.filter((stage) => !stage.has('$limit'))),
    ),
  },
  {
    name: 'stages run as one',
    reason:
      'An optimized pipeline returns what the original does (manual, "Aggregation Pipeline Optimization"), fields perhaps in another order (manual, "Documents", "Field Order in Queries"); DocumentDB makes one of two stages and loses what one removed, or where it was',
    matches: ({ difference, text }) =>
      (serverFails(difference) || difference.kind === 'result' || difference.kind === 'data') &&
      /\$(unset|project|addFields|set)\b.*\$(addFields|set|project|replaceWith|fill)\b/.test(text),
    proof: serverAgreesOn((scenario) => rewritePipelines(scenario, (stages) => stages.flatMap(runAlone))),
  },
  {
    name: 'sizes of automatic buckets',
    reason:
      'Boundaries are an attempt to distribute evenly (manual, "$bucketAuto"), which leaves sizes open; MongoDB rounds documents by buckets (document_source_bucket_auto.cpp), DocumentDB rounds otherwise',
    matches: ({ text }) => /\$bucketAuto/.test(text),
    proof: bothAgreeOn((scenario) =>
      rewriteCommands(scenario, (document) =>
        document.has('buckets') ? new Map([...document, ['buckets', new Int32(1)]]) : document,
      ),
    ),
  },
  {
    name: '$densify of no partition',
    reason:
      'Documents without the field go on unmodified (manual, "$densify", "field"), so that they are no partition; DocumentDB takes them for one, and nothing for one',
    matches: ({ difference, text }) => difference.kind === 'result' && /\$densify: .*partitionByFields/.test(text),
    proof: anyOf(
      oursAgreesOn((scenario) => rewriteCommands(scenario, withoutPartitions)),
      bothAgreeOn((scenario) => rewritePipelines(scenario, (stages) => stages.flatMap(densifyingAll))),
    ),
  },
  {
    name: 'order of $lastN',
    reason:
      'The last documents come in their order in the examples (manual, "$lastN", "Aggregation Accumulator"), though not in words; DocumentDB turns it round, and takes others after $unwind',
    matches: ({ difference, text }) => /\$lastN/.test(text) && difference.kind === 'result',
    proof: bothAgreeOn((scenario) => rewriteCommands(scenario, withAllOfThem)),
  },
  {
    name: '$first through null',
    reason:
      '$first is null where the field of the first document is missing (manual, "$first", "Missing Values"); DocumentDB leaves the result out where a null has the field',
    matches: ({ difference, text }) => difference.kind === 'result' && /\$group: .*\$(first|last): /.test(text),
    proof: serverAgreesOn((scenario) => rewriteCommands(scenario, (document) => accumulating(document, OR_NULL))),
  },
  {
    name: 'order of groups after a sort',
    reason:
      'The last of documents with a field decides in $mergeObjects, and the last document in $last (manual, each); where $unwind or a stage that adds fields follows the $sort DocumentDB takes them in another order, though not in $push',
    matches: ({ difference, text }) =>
      difference.kind === 'result' && /\$sort: .*\$(sort|unwind): .*\$group: .*\$(last|mergeObjects): /.test(text),
    proof: bothAgreeOn((scenario) => rewriteCommands(scenario, (document) => accumulating(document, COLLECTING_ALL))),
  },
]

const OR_NULL = replacingOperators({
  $first: (operand) => literal({ $first: literal({ $ifNull: [operand, null] }) }),
  $last: (operand) => literal({ $last: literal({ $ifNull: [operand, null] }) }),
})

/** All of what one of the documents would decide. */
const COLLECTING_ALL = replacingOperators({
  $last: (operand) => literal({ $push: operand }),
  $mergeObjects: (operand) => literal({ $push: operand }),
})

/** A `$group` with its accumulators put through `change`. */
function accumulating(document: Doc, change: (accumulator: Doc) => unknown): Doc {
  const group = document.get('$group')
  if (!(group instanceof Map)) return document
  const changed = rewriteFields(group, (value, name) =>
    name !== '_id' && value instanceof Map ? change(value) : value,
  )
  return new Map([...document, ['$group', changed]])
}

/** A stage with one behind it with which DocumentDB makes it no part of others; nothing follows one that writes. */
function runAlone(stage: Doc): Doc[] {
  return stage.has('$merge') || stage.has('$out') ? [stage] : [stage, literal({ $limit: new Int32(1000) })]
}

/** A `$densify` after all documents got its field. */
function densifyingAll(stage: Doc): Doc[] {
  const densify = stage.get('$densify')
  if (!(densify instanceof Map)) return [stage]
  const [field, range] = [String(densify.get('field')), densify.get('range')]
  const start = range instanceof Map && range.has('unit') ? new Date(0) : new Int32(0)
  return [literal({ $addFields: literal({ [field]: literal({ $ifNull: [`$${field}`, start] }) }) }), stage]
}

/** `$lastN` of all, which is `$push`. */
function withAllOfThem(document: Doc): Doc {
  const last = document.get('$lastN')
  if (!(last instanceof Map)) return document
  return new Map(
    [...document].map(([name, value]) => (name === '$lastN' ? ['$push', last.get('input')] : [name, value])),
  )
}

function withoutPartitions(document: Doc): Doc {
  return new Map([...document].filter(([name]) => name !== 'partitionByFields'))
}

/** The stages that `$count` stands for. */
function countedByGroup(stage: Doc): Doc[] {
  const name = stage.get('$count')
  if (typeof name !== 'string') return [stage]
  const group = literal({ $group: literal({ _id: null, [name]: literal({ $sum: new Int32(1) }) }) })
  return [group, literal({ $project: literal({ _id: new Int32(0) }) })]
}

/** A `$lookup` whose pipeline runs on every document. */
function lookingUpAll(document: Doc): Doc {
  if (!document.has('localField') || !document.has('pipeline')) return document
  return new Map([...document].filter(([name]) => name !== 'localField' && name !== 'foreignField'))
}

/** The condition of a search, put to every document of the collection. */
function matchingAll(stage: Doc): Doc {
  const lookup = stage.get('$graphLookup')
  if (!(lookup instanceof Map && lookup.has('restrictSearchWithMatch'))) return stage
  const pipeline = [literal({ $match: lookup.get('restrictSearchWithMatch') })]
  return literal({ $lookup: literal({ from: lookup.get('from'), pipeline, as: lookup.get('as') }) })
}

function plain(depth: Described | undefined): Described {
  return typeof depth === 'string' ? depth.replace(/^(int|long)/, '') : 'no depth'
}

/** A stage that adds fields, each with a constant. */
function computingNothing(stage: Doc): Doc {
  const [name = '', fields] = [...stage][0] ?? []
  if (!['$project', '$addFields', '$set'].includes(name) || !(fields instanceof Map)) return stage
  return doc([[name, rewriteFields(fields, (value) => (value instanceof Int32 ? value : true))]])
}
