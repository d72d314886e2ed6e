import { type Doc, isDoc } from '../../bson/value.ts'
import { ALL } from './intervals.ts'
import type { IndexScan, Plan } from './planner.ts'

const comparisons = new Set(['$gt', '$gte', '$lt', '$lte'])

/**
 * True when the keys of the plan are exactly the documents that match, so that whoever counts need not read them: a
 * range of dates of the leading field. Other types are left to matching: an index holds NaN among the numbers, and null
 * for what is missing.
 */
export function isCovered(plan: Plan, filter: Doc): plan is IndexScan {
  if (plan.kind !== 'index' || plan.index.multikey || plan.index.collation || plan.index.spec.partialFilter)
    return false
  const whole = plan.bounds[0]?.[0]
  if (whole === ALL.text || whole === '[MaxKey, MinKey]') return false
  const [entry, ...others] = filter
  if (entry === undefined || others.length > 0) return false
  const [field, conditions] = entry
  return (
    field === plan.index.spec.fields[0] &&
    isDoc(conditions) &&
    conditions.size > 0 &&
    [...conditions].every(([operator, value]) => comparisons.has(operator) && value instanceof Date)
  )
}

/** True for a pipeline whose first stage counts, and looks at no field of what it counts. */
export function countsOnly([stage]: readonly Doc[]): boolean {
  if (stage === undefined || stage.size !== 1) return false
  if (typeof stage.get('$count') === 'string') return true
  const group = stage.get('$group')
  if (!isDoc(group)) return false
  return [...group].every(([field, spec]) => {
    if (field === '_id') return spec === null || (!isDoc(spec) && !Array.isArray(spec) && !isPath(spec))
    if (!isDoc(spec) || spec.size !== 1) return false
    const added = spec.get('$sum')
    return spec.has('$count') || (added !== undefined && !isDoc(added) && !Array.isArray(added) && !isPath(added))
  })
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('$')
}
