import type { Caller } from '../caller.ts'
import { createUserData } from '../rules/user-data.ts'
import type { Runtime } from '../runtime.ts'
import type { DataAccess } from './data-access.ts'
import { createScopedData } from './scoped-data.ts'
import { createSystemData } from './system-data.ts'

/**
 * The data path of one caller: the driver for the system, roles, filters, field rules and schemas for a user, within the
 * scope of the API key that the user is.
 */
export function createDataAccess(runtime: Runtime, caller: Caller): DataAccess {
  if (caller.runAsSystem) return createSystemData(runtime)
  const data = createUserData(runtime, caller)
  return caller.user.keyScope === undefined ? data : createScopedData(data, caller.user.keyScope)
}
