import type { Caller } from '../../runtime/caller.ts'
import { assertValidRequest, type Validation } from '../../runtime/endpoints/validation.ts'
import { AppError } from '../../runtime/errors.ts'
import { createScope, evaluate } from '../../runtime/expression/index.ts'
import type { Expression } from '../../schemas/app/definition.ts'
import { type HostRequest, headerOf } from '../host-request.ts'
import type { HostContext } from './host-context.ts'

/** @throws {AppError} `IncomingWebhookAuthFailed` */
export function assertValidation(context: HostContext, request: HostRequest, validation: Validation): Promise<void> {
  const { secrets } = context.runtime.options
  return assertValidRequest(
    validation,
    { rawQuery: request.rawQuery, body: request.body, signature: headerOf(request, 'endpoint-signature') },
    (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
  )
}

/** @throws {AppError} `FunctionExecutionError` */
export async function assertCanEvaluate(
  context: HostContext,
  expression: Expression,
  caller: Caller,
  name: string,
): Promise<void> {
  if (expression === true || (expression !== false && Object.keys(expression).length === 0)) return
  if (!(await evaluate(expression, createScope(context.runtime, caller))))
    throw new AppError('FunctionExecutionError', `rule not matched for function "${name}"`)
}
