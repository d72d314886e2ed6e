import type { Caller } from '../caller.ts'
import { createUserData } from '../rules/user-data.ts'
import type { Runtime } from '../runtime.ts'
import type { DataAccess } from './data-access.ts'
import { createSystemData } from './system-data.ts'

/** The data path of one caller: the driver for the system, roles, filters, field rules and schemas for a user. */
export function createDataAccess(runtime: Runtime, caller: Caller): DataAccess {
  return caller.runAsSystem ? createSystemData(runtime) : createUserData(runtime, caller)
}
