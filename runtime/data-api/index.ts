export { ActionError, type ActionName, isAction } from './action-error.ts'
export { executeAction } from './execute.ts'
export type { ActionResult } from './result.ts'
