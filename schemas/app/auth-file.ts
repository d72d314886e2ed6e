import * as z from 'zod'
import { jsonObject, optional } from './json.ts'

/** One provider of `auth/providers.json` (spec: app folder 7). */
export const authProviderFile = z.object({
  name: optional(z.string()),
  type: optional(z.string()),
  disabled: optional(z.boolean()),
  config: optional(jsonObject),
  secret_config: optional(jsonObject),
  metadata_fields: optional(z.array(z.unknown())),
  domain_restrictions: optional(z.array(z.string())),
  redirect_uris: optional(z.array(z.string())),
})

export const metadataField = z.object({
  required: optional(z.boolean()),
  name: z.string(),
  field_name: optional(z.string()),
})

/** `auth/custom_user_data.json`. */
export const customUserDataFile = z.object({
  enabled: optional(z.boolean()),
  mongo_service_name: optional(z.string()),
  database_name: optional(z.string()),
  collection_name: optional(z.string()),
  user_id_field: optional(z.string()),
  on_user_creation_function_name: optional(z.string()),
})
