import type { Document } from 'bson'
import { AppError } from '../errors.ts'
import { type ExpressionScope, evaluate, expandQuery } from '../expression/index.ts'
import { type Projection, readProjection } from './projection.ts'
import type { CollectionRules } from './select-rules.ts'

/** What the active filters of a collection add to a request (spec: rules 4.1). */
export interface ActiveFilters {
  /** Queries that are joined to the caller's. */
  readonly queries: readonly Document[]
  readonly projections: readonly Projection[]
}

/** Matches no document, on any server. */
export const matchNothing: Document = { _id: { $in: [] } }

/** The filters whose `apply_when` holds; it sees no document. */
export async function activeFilters({ filters }: CollectionRules, scope: ExpressionScope): Promise<ActiveFilters> {
  const queries: Document[] = []
  const projections: Projection[] = []
  for (const filter of filters) {
    if (!(await evaluate(filter.apply_when, scope))) continue
    if (filter.query && Object.keys(filter.query).length > 0) {
      queries.push((await expandQuery(filter.query, scope)) ?? matchNothing)
    }
    // One example of the service's documents writes `project`.
    const projection = filter.projection ?? Reflect.get(filter, 'project')
    if (projection && Object.keys(projection).length > 0) projections.push(readRulesProjection(projection))
  }
  return { queries, projections }
}

/** @throws {AppError} `MongoDBError` for a projection that computes fields: it would leave out nothing */
function readRulesProjection(source: Document): Projection {
  const projection = readProjection(source)
  if (!projection.computed) return projection
  throw new AppError('MongoDBError', 'a projection of a rules filter can only include or exclude fields', {
    status: 400,
  })
}

/** The caller's filter joined with those of the rules. */
export function joinFilters(filter: Document, queries: readonly Document[]): Document {
  return queries.length === 0 ? filter : { $and: [filter, ...queries] }
}

/**
 * All projections of a request must include, or all exclude.
 *
 * @throws {AppError} `MongoDBError` with the server's text
 */
export function assertSameKind(own: Projection | undefined, active: readonly Projection[]): void {
  const all = own && (own.paths.length > 0 || own.slices.size > 0 || !own.id) ? [...active, own] : active
  const kinds = new Set(all.filter(({ paths }) => paths.length > 0).map(({ kind }) => kind))
  if (kinds.size < 2) return
  const field = own?.paths[0]?.join('.') ?? active[0]?.paths[0]?.join('.') ?? ''
  const text =
    own?.kind === 'inclusion'
      ? `Cannot do inclusion on field ${field} in exclusion projection`
      : `Cannot do exclusion on field ${field} in inclusion projection`
  throw new AppError('MongoDBError', text, { status: 400 })
}
