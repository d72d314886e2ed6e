import * as z from 'zod'
import { expression } from './expression.ts'
import { keyword, optional } from './json.ts'

const validationMethod = z
  .string()
  .transform((text) => (text.trim() === '' ? 'NO_VALIDATION' : text))
  .pipe(keyword('NO_VALIDATION', 'SECRET_AS_QUERY_PARAM', 'VERIFY_PAYLOAD'))

const returnType = keyword('JSON', 'EJSON')

const httpMethod = z
  .string()
  .transform((text) => (text.trim().toUpperCase() === 'ANY' ? '*' : text))
  .pipe(keyword('GET', 'POST', 'PUT', 'PATCH', 'DELETE', '*'))

/** One entry of `http_endpoints/config.json` or `https_endpoints/config.json` (spec: HTTPS endpoints 2). */
export const endpointFile = z.object({
  route: z.string(),
  http_method: httpMethod,
  function_name: z.string().min(1),
  validation_method: optional(validationMethod),
  /** The spelling of the documentation's prose. */
  verification_method: optional(validationMethod),
  secret_name: optional(z.string()),
  respond_result: optional(z.boolean()),
  return_type: optional(returnType),
  fetch_custom_user_data: optional(z.boolean()),
  create_user_on_auth: optional(z.boolean()),
  can_evaluate: optional(expression),
  disabled: optional(z.boolean()),
})

/** `http_endpoints/data_api_config.json` (spec: app folder 6). */
export const dataApiFile = z.object({
  disabled: optional(z.boolean()),
  versions: optional(z.array(z.string())),
  return_type: optional(returnType),
  create_user_on_auth: optional(z.boolean()),
  run_as_system: optional(z.boolean()),
  run_as_user_id: optional(z.string()),
  run_as_user_id_script_source: optional(z.string()),
  can_evaluate: optional(expression),
  validation_method: optional(validationMethod),
  secret_name: optional(z.string()),
  fetch_custom_user_data: optional(z.boolean()),
  log_function_arguments: optional(z.boolean()),
})
