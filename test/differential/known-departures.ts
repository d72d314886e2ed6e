import type { Difference } from './compare.ts'
import { withSortedKeys } from './described.ts'
import type { Departure } from './departures/departure.ts'

/** Where DocumentDB 1.0 is not MongoDB, as its answers to generated operations show. */
export const KNOWN_DEPARTURES: readonly Departure[] = [
  {
    name: 'not implemented',
    reason: 'DocumentDB refuses by name what it does not have; MongoDB has it',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' &&
      server?.error !== undefined &&
      ([59, 115, 238, 40324].includes(server.error.code) ||
        /not (yet |currently )?(supported|implemented)/i.test(server.error.message)),
  },
  {
    name: 'order of new fields',
    reason:
      'Update operators process fields in lexicographic order since MongoDB 5.0 (manual, "Update Operators Behavior")',
    matches: ({ difference, text }) =>
      isUpdate(text) && withSortedKeys(difference.local) === withSortedKeys(difference.server),
  },
  {
    name: 'order of fields removed and added',
    reason:
      '$addFields puts a field that is not there last (manual, "$addFields"), also one that $unset took away before',
    matches: ({ difference, text }) =>
      /\$(unset|project|addFields|set)\b/.test(text) &&
      withSortedKeys(difference.local) === withSortedKeys(difference.server),
  },
  {
    name: 'bits of what is no integer',
    reason: 'The bitwise operators match integers alone, of any numeric type (manual, "$bitsAllSet")',
    matches: ({ difference, text }) =>
      /\$bits/.test(text) && /decimal\((-?Infinity|NaN|-?\d+\.\d*[1-9])/.test(difference.server),
  },
  {
    name: 'distinct of an array in an array',
    reason:
      'distinct takes each element of an array at the path (manual, "distinct", "Array Fields"), by position as well',
    matches: ({ difference, text }) => difference.kind === 'result' && /distinct: 'things', key: '\w+\.0'/.test(text),
  },
  {
    name: 'count of a whole collection',
    reason: 'count without a filter answers from statistics, which may be late (manual, "count"); ours never are',
    matches: ({ difference, text }) => difference.kind === 'counts' && /count: 'things', query: \{\}/.test(text),
  },
  {
    name: '$push of nothing',
    reason: '$push makes the array that is not there (manual, "$push"), empty for an empty $each',
    matches: ({ difference, text }) =>
      /\$(push|addToSet): .*\$each: \[\]/.test(text) && /: \[\]/.test(difference.local) && difference.kind !== 'error',
  },
  {
    name: '$rename through an array',
    reason:
      '$rename does not work on elements of arrays (manual, "$rename"): an error, whether the element is there or not',
    matches: ({ difference, local, text }) =>
      /\$rename/.test(text) && difference.kind === 'error' && [2, 28].includes(local?.error?.code ?? 0),
  },
  {
    name: 'NaN among decimals',
    reason: 'NaN sorts below every number, a decimal one too (manual, "Comparison/Sort Order", "Numeric Types")',
    matches: ({ difference }) =>
      difference.kind !== 'error' && /decimal\(NaN\)/.test(difference.local + difference.server),
  },
  {
    name: '$zip of expressions',
    reason:
      'The inputs of $zip are expressions that resolve to arrays (manual, "$zip"); DocumentDB refuses constant ones',
    matches: ({ difference, server }) => difference.kind === 'no error' && /\$zip/.test(server?.error?.message ?? ''),
  },
  {
    name: 'documents beyond the limit',
    reason: 'A read ends with the last document it gives (manual, "limit"); DocumentDB goes on and meets an error',
    matches: ({ difference, text }) =>
      difference.kind === 'no error' && /\$expr/.test(text) && /(limit: 1|limit: 2|findAndModify: )/.test(text),
  },
  {
    name: 'its own errors',
    reason: 'An internal error of DocumentDB, which names no rule of the query language',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' && /Should not have empty document/.test(server?.error?.message ?? ''),
  },
  {
    name: 'parents of nothing',
    reason: '$pull, $pullAll and $pop of a missing path do nothing (manual, "$pull"); DocumentDB makes its parent',
    matches: ({ difference, server, text }) =>
      /\$(pull|pullAll|pop|addToSet|unset|rename)\b/.test(text) &&
      (server?.error?.code === 121 ||
        (difference.server.includes('{}') &&
          sameWords(withoutEmpty(difference.local), withoutEmpty(difference.server)))),
  },
  {
    name: 'matched but not modified',
    reason:
      'lastErrorObject.n counts matched documents (manual, "findAndModify Output"); DocumentDB counts modified ones',
    matches: ({ difference, local, server }) =>
      difference.kind === 'counts' &&
      /"n": number\(1\), "updatedExisting": true/.test(local?.summary ?? '') &&
      /"n": number\(0\), "updatedExisting": false/.test(server?.summary ?? '') &&
      local?.documents.join('') === server?.documents.join(''),
  },
  {
    name: 'rolled back multi-document write',
    reason: 'An update of many documents is not atomic: those before the error stay changed (manual, "Atomicity")',
    matches: ({ text, localAnswers, serverAnswers }) =>
      /multi: true/.test(text) &&
      localAnswers.some(({ error }, index) => error !== undefined && serverAnswers[index]?.error !== undefined),
  },
  {
    name: 'conflicts found late',
    reason: 'Conflicting paths are refused whatever the documents hold (manual, "Update Operators": error 40)',
    matches: ({ difference, local }) => difference.kind === 'error' && local?.error?.code === 40,
  },
  {
    name: 'missing fields in unique indexes',
    reason: 'A unique index takes a missing field for null, once (manual, "Unique Index and Missing Field")',
    matches: ({ difference, text, localAnswers, server }) =>
      /unique: true/.test(text) &&
      (localAnswers.some(({ error }) => error?.code === 11000) ||
        server?.error?.code === 11000 ||
        difference.kind === 'counts' ||
        difference.kind === 'result' ||
        difference.local.split('\n').length < difference.server.split('\n').length ||
        difference.local === ''),
  },
  {
    name: 'no-op arithmetic counted',
    reason: 'nModified counts documents that changed (manual, "update Output"); adding 0 changes nothing',
    matches: ({ difference, local, server }) =>
      difference.kind === 'counts' &&
      local?.documents.join('') === server?.documents.join('') &&
      /nModified/.test(local?.summary ?? ''),
  },
  {
    name: 'one field twice',
    reason: 'A document has a field once; $mergeObjects of $$ROOT in DocumentDB repeats _id',
    matches: ({ difference }) => /"_id": (\S+), "_id": \1[,}]/.test(difference.server),
  },
  {
    name: 'array updates of nothing',
    reason: '$[identifier] needs an array, whatever the operator (manual, "$[<identifier>]", upsert)',
    matches: ({ difference, local }) =>
      difference.kind !== 'no error' &&
      /must exist in the document in order to apply array updates/.test(local?.error?.message ?? ''),
  },
  {
    name: '$all of nothing',
    reason: '$all with an empty array matches nothing (manual, "$all", "Empty Array")',
    matches: ({ text }) => /\$all: \[\]/.test(text),
  },
  {
    name: '$count of nothing',
    reason: '$count of no documents gives no document (manual, "$count": a $group of none)',
    matches: ({ difference, text }) => /\$count: '/.test(text) && /"(total|n)": int\(0\)/.test(difference.server),
  },
  {
    name: '$redact below what it decides',
    reason: '$$PRUNE and $$KEEP end the descent (manual, "$redact"); DocumentDB computes for embedded documents too',
    matches: ({ difference, text }) => /\$redact/.test(text) && difference.kind === 'no error',
  },
  {
    name: 'depth of $graphLookup',
    reason: 'The depth is a long, the order of what is found not defined (manual, "$graphLookup")',
    matches: ({ difference, text }) =>
      /\$graphLookup/.test(text) &&
      sameWords(difference.local.replaceAll('"depth": long', '"depth": int'), difference.server),
  },
  {
    name: 'empty local arrays in $lookup',
    reason:
      'An array is matched by its elements (manual, "$lookup", "Use $lookup with an Array"): none for an empty one',
    matches: ({ difference, text }) =>
      /\$lookup: \{ from: 'things', localField/.test(text) &&
      difference.kind === 'result' &&
      /: \[\]/.test(difference.server),
  },
  {
    name: 'constants in an upsert',
    reason: '$expr is not allowed in the filter of an upsert (manual, "$expr"); DocumentDB drops one that is constant',
    matches: ({ difference, local }) => difference.kind === 'error' && local?.error?.code === 224,
  },
  {
    name: 'constant expressions without documents',
    reason:
      'Constants are computed when the plan is made (explain shows them so); DocumentDB needs a document for some',
    matches: ({ difference, local, server, scenario }) =>
      difference.kind === 'error' &&
      server?.documents.length === 0 &&
      (scenario.documents.length === 0 ||
        /Failed to optimize pipeline/.test(local?.error?.message ?? '') ||
        /\bn: 0\b|"n": number\(0\)/.test(server.summary)),
  },
  {
    name: 'conversions of an empty list',
    reason: '$toBool and its like take one argument (manual, "$toBool"); DocumentDB converts an empty list',
    matches: ({ difference, text }) =>
      difference.kind === 'error' && /\$to(Bool|Int|Long|Double|Decimal|Date|String): \[\]/.test(text),
  },
  {
    name: 'order into $group',
    reason: '$mergeObjects, $push, $first and $last see documents in the order of the last $sort (manual, "$group")',
    matches: ({ difference, text }) =>
      difference.kind === 'result' && /\$sort: .*\$sort: .*\$group: .*\$(mergeObjects|push|first|last)/.test(text),
  },
  {
    name: '$avg of decimals',
    reason:
      '$avg of decimals is a decimal, to 34 digits (manual, "$avg", "Result Data Type"); DocumentDB gives a double',
    matches: ({ difference, text }) =>
      /\$avg/.test(text) && sameWords(approximate(difference.local), approximate(difference.server)),
  },
  {
    name: 'representation of equal values',
    reason:
      'Of equal numbers of several types distinct and $addToSet keep the first met; which that is, no order defines',
    matches: ({ difference, text }) =>
      /(\bdistinct: |\$setUnion|\$setIntersection|\$addToSet|\$min|\$max)/.test(text) &&
      sameWords(approximate(difference.local), approximate(difference.server)),
  },
  {
    name: 'numeric types in windows',
    reason:
      '$avg of decimals is a decimal, and a $sum of nothing the int 0, over a window as over a group (manual, "$avg", "$sum")',
    matches: ({ difference, text }) =>
      /\$setWindowFields/.test(text) && sameWords(approximate(difference.local), approximate(difference.server)),
  },
  {
    name: '$maxN of nothing',
    reason:
      'The array forms of $firstN, $lastN, $maxN and $minN need an array (manual, "$maxN": error for other values)',
    matches: ({ difference, local }) => difference.kind === 'error' && local?.error?.code === 5788200,
  },
  {
    name: 'unused fields',
    reason: 'A field is computed also when a later $count or $group does not read it; DocumentDB leaves its error out',
    matches: ({ difference, text }) =>
      difference.kind === 'error' && /\$(count: '|group: |sortByCount|bucket|unset|project|facet)/.test(text),
  },
  {
    name: 'branches not taken',
    reason: '$ifNull, $cond and $switch compute what they need (manual, "$ifNull"); DocumentDB computes every branch',
    matches: ({ difference, text }) => difference.kind === 'no error' && /\$(ifNull|cond|switch|zip)/.test(text),
  },
  {
    name: 'MaxKey above missing fields',
    reason:
      '$lte MaxKey and $gte MinKey match every document, as all values lie between (manual, "Comparison/Sort Order")',
    matches: ({ difference, text }) => difference.kind !== 'error' && /\$(lte?|gte?): new M(ax|in)Key\(\)/.test(text),
  },
  {
    name: 'the zero of $mul',
    reason:
      '$mul sets a missing field to zero times the multiplier, with its sign and exponent (IEEE 754, manual, "$mul")',
    matches: ({ difference, text }) =>
      /\$mul/.test(text) && sameWords(withPlainZeros(difference.local), withPlainZeros(difference.server)),
  },
  {
    name: 'empty arrays in a sort',
    reason: 'An empty array sorts below null and a missing field (manual, "Comparison/Sort Order", "Arrays")',
    matches: ({ difference, text }) =>
      difference.kind === 'result' &&
      /: \[\]/.test(text) &&
      /(sort: \{ (l|x|m\.v)|\$sort: \{ (l|x|m\.v)|\$group: .*\$sort: \{ _id)/.test(text),
  },
  {
    name: 'regular expressions over expressions',
    reason:
      'The input may be any expression of a string (manual, "$regexMatch"); over a missing field DocumentDB refuses it',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' && /'input' parameter must be of type string/.test(server?.error?.message ?? ''),
  },
  {
    name: '$dateTrunc of a boundary',
    reason:
      'A date at the start of its period is its own truncation (manual, "$dateTrunc"); DocumentDB goes one period back',
    matches: ({ difference, text }) => /\$dateTrunc/.test(text) && ['result', 'data'].includes(difference.kind),
  },
  {
    name: '$group by nothing',
    reason: 'A missing _id expression groups under null (manual, "$group"); DocumentDB leaves _id out',
    matches: ({ difference, text }) =>
      /\$group/.test(text) &&
      sameWords(approximate(difference.local).replaceAll('"_id": null', ''), approximate(difference.server)),
  },
  {
    name: '$unset of a path that cannot be',
    reason: '$unset of a field that does not exist does nothing (manual, "$unset"), also within an array',
    matches: ({ difference, server, text }) =>
      /\$unset/.test(text) && difference.kind === 'no error' && server?.error?.code === 28,
  },
  {
    name: 'missing and null as groups',
    reason: 'A missing _id expression groups under null (manual, "$group"); DocumentDB makes a group without _id of it',
    matches: ({ difference, text }) =>
      difference.kind === 'result' && /\$group: \{ _id: /.test(text) && /^\s*\{(?!"_id")/m.test(difference.server),
  },
  {
    name: 'fields taken away',
    reason:
      'A stage sees what the stage before it gives (manual, "Aggregation Pipeline"), not a field that was removed',
    matches: ({ difference, text }) =>
      difference.kind === 'result' &&
      /(\$unset: .*|\$project: \{ [\w.]+: 0 \}.*)\$(addFields|set|project)\b/.test(text),
  },
  {
    name: 'stages before a limit',
    reason: 'A limit moves before stages that keep the number of documents (manual, "Pipeline Optimization")',
    matches: ({ difference, text }) => difference.kind === 'no error' && /\$limit: \d/.test(text),
  },
  {
    name: 'order of $lastN',
    reason: '$lastN keeps the order of the documents in the group (manual, "$lastN"); DocumentDB turns it round',
    matches: ({ difference, text }) =>
      /\$lastN/.test(text) && difference.kind === 'result' && sameWords(...elementsOf(difference)),
  },
  {
    name: 'the value of $setField in nothing',
    reason: '$setField of a missing input is null (manual, "$setField"); DocumentDB computes the value all the same',
    matches: ({ difference, text }) => difference.kind === 'no error' && /\$setField/.test(text),
  },
  {
    name: '$max over NaN',
    reason: 'NaN sorts below every number (manual, "Comparison/Sort Order"), so that $max replaces it',
    matches: ({ difference, text }) => /\$max: /.test(text) && /double\(NaN\)/.test(difference.server),
  },
]

/** The words of both sides, arrays apart from their brackets. */
function elementsOf({ local, server }: Difference): [string, string] {
  return [local.replaceAll(/[[\]]/g, ' '), server.replaceAll(/[[\]]/g, ' ')]
}

/** Numbers of all types in 13 digits, none typed. */
function approximate(text: string): string {
  return text.replaceAll(/\b(?:int|long|double|decimal)\(([^)]*)\)/g, (_, value) =>
    String(Number(Number(value).toPrecision(13))),
  )
}

/** $mul of a missing field by a decimal, or by a number that is not finite. */
function withPlainZeros(text: string): string {
  return text.replaceAll(/(decimal|double)\((-?0[.0]*(E[-+]\d+)?|NaN)\)/g, '$1(0)')
}

function withoutEmpty(text: string): string {
  return text.replaceAll(/"\w+": \{\}/g, '')
}

function isUpdate(text: string): boolean {
  return /\b(update|findAndModify): '/.test(text)
}

/** The same fields and values in another order. */
function sameWords(a: string, b: string): boolean {
  const words = (text: string) =>
    text
      .replaceAll(/[{},\s]+/g, ' ')
      .trim()
      .split(' ')
      .sort()
      .join(' ')
  return words(a) === words(b)
}
