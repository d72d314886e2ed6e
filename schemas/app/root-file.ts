import * as z from 'zod'
import { keyword, optional } from './json.ts'

/** `root_config.json` and `realm_config.json` (spec: app folder 2). Unknown keys are other tools' business. */
export const rootFile = z.object({
  config_version: optional(z.coerce.number().int()),
  app_id: optional(z.string()),
  name: optional(z.string()),
  location: optional(z.string()),
  provider_region: optional(z.string()),
  deployment_model: optional(keyword('GLOBAL', 'LOCAL')),
  environment: optional(z.string()),
  allowed_request_origins: optional(z.array(z.string())),
})

/** `.mdb/meta.json` of the newer CLI and `.mdb/app_meta.json` of the older one: the link to the deployed app. */
export const metaFile = z.object({
  config_version: optional(z.coerce.number().int()),
  app_id: optional(z.string()),
  group_id: optional(z.string()),
  client_app_id: optional(z.string()),
})

export type RootFile = Partial<z.output<typeof rootFile>>
export type MetaFile = Partial<z.output<typeof metaFile>>
