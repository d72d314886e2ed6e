import type { FunctionConfig } from './definition.ts'

/** The settings of a function that the manifest does not name: private, and run as whoever calls it. */
export function unlistedFunction(name: string): FunctionConfig {
  return {
    name,
    private: true,
    can_evaluate: true,
    disable_arg_logs: false,
    run_as_system: false,
    run_as_user_id: '',
    run_as_user_id_script: '',
    listed: false,
  }
}
