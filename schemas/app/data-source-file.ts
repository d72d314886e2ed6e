import * as z from 'zod'
import type { FieldRule } from './definition.ts'
import { expression } from './expression.ts'
import { jsonObject, keyword, optional } from './json.ts'

/** `data_sources/<service>/config.json` (spec: app folder 5). */
export const dataSourceFile = z.object({
  id: optional(z.string()),
  name: optional(z.string()),
  type: optional(z.string()),
  config: optional(
    z.object({
      clusterName: optional(z.string()),
      readPreference: optional(keyword('primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest')),
    }),
  ),
})

const fieldRule: z.ZodType<FieldRule> = z.lazy(() =>
  z.object({
    read: expression.nullish().transform((value) => value ?? undefined),
    write: expression.nullish().transform((value) => value ?? undefined),
    fields: z
      .record(z.string(), fieldRule)
      .nullish()
      .transform((value) => value ?? undefined),
  }),
)

/** A role of `rules.json` or `default_rule.json` (spec: rules 3). An absent permission is not a false one. */
export const roleFile = z.object({
  name: optional(z.string()),
  apply_when: expression,
  document_filters: optional(z.object({ read: optional(expression), write: optional(expression) })),
  read: optional(expression),
  write: optional(expression),
  insert: optional(expression),
  delete: optional(expression),
  search: optional(expression),
  fields: optional(z.record(z.string(), fieldRule)),
  additional_fields: optional(z.object({ read: optional(expression), write: optional(expression) })),
})

export const filterFile = z.object({
  name: optional(z.string()),
  apply_when: expression,
  query: optional(jsonObject),
  projection: optional(jsonObject),
  /** The spelling of one documentation example. */
  project: optional(jsonObject),
})

export const rulesFile = z.object({
  database: optional(z.string()),
  collection: optional(z.string()),
  roles: optional(z.array(z.unknown())),
  filters: optional(z.array(z.unknown())),
})
