import * as z from 'zod'
import { jsonObject, keyword, optional, stringList } from './json.ts'

/** One file of `triggers/` (spec: app folder 4), before its `config` is read by kind. */
export const triggerFile = z.object({
  name: optional(z.string()),
  type: keyword('DATABASE', 'SCHEDULED', 'AUTHENTICATION'),
  disabled: optional(z.boolean()),
  config: optional(jsonObject),
  function_name: optional(z.string()),
  event_processors: optional(
    z.object({
      FUNCTION: optional(
        z.object({
          config: optional(z.object({ function_name: optional(z.string()), function_id: optional(z.string()) })),
        }),
      ),
      AWS_EVENTBRIDGE: optional(jsonObject),
    }),
  ),
})

export const databaseTriggerConfig = z.object({
  service_name: optional(z.string()),
  service_id: optional(z.string()),
  database: optional(z.string()),
  collection: optional(z.string()),
  operation_types: optional(stringList),
  full_document: optional(z.boolean()),
  full_document_before_change: optional(z.boolean()),
  match: optional(jsonObject),
  project: optional(jsonObject),
  unordered: optional(z.boolean()),
  tolerate_resume_errors: optional(z.boolean()),
  maximum_throughput: optional(z.boolean()),
  skip_catchup_events: optional(z.boolean()),
})

export const scheduledTriggerConfig = z.object({
  schedule: z.string(),
  skip_catchup_events: optional(z.boolean()),
  /** The spelling of the trigger page of the documentation. */
  skip_catchup_event: optional(z.boolean()),
})

const authenticationEvent = keyword('LOGIN', 'CREATE', 'DELETE')
const authenticationEvents = z.union([authenticationEvent.transform((event) => [event]), z.array(authenticationEvent)])

export const authenticationTriggerConfig = z.object({
  operation_type: optional(authenticationEvents),
  operation_types: optional(authenticationEvents),
  providers: optional(stringList),
})

/** Events of a collection, then those that only a database or deployment reports (spec: app folder 4). */
export const documentOperations: readonly string[] = ['INSERT', 'UPDATE', 'REPLACE', 'DELETE']
export const databaseOperations: readonly string[] = [
  'CREATE_COLLECTION',
  'MODIFY_COLLECTION',
  'RENAME_COLLECTION',
  'DROP_COLLECTION',
  'SHARD_COLLECTION',
  'RESHARD_COLLECTION',
  'REFINE_COLLECTION_SHARD_KEY',
  'CREATE_INDEXES',
  'DROP_INDEXES',
]
export const deploymentOperations: readonly string[] = ['DROP_DATABASE']

export type TriggerFile = z.output<typeof triggerFile>
