import type { Caller } from '../caller.ts'
import type { DataAccess } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

export function createUserData(_runtime: Runtime, _caller: Caller): DataAccess {
  throw new AppError('NoMatchingRuleFound', 'no rule exists', { status: 403 })
}
