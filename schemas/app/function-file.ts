import * as z from 'zod'
import { expression } from './expression.ts'
import { optional } from './json.ts'

/** One entry of `functions/config.json` (spec: app folder 3). */
export const functionFile = z.object({
  name: z.string().min(1),
  private: optional(z.boolean()),
  can_evaluate: optional(expression),
  disable_arg_logs: optional(z.boolean()),
  run_as_system: optional(z.boolean()),
  run_as_user_id: optional(z.string()),
  run_as_user_id_script_source: optional(z.string()),
})

export type FunctionFile = z.output<typeof functionFile>
