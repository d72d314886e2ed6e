import type { Caller } from '../../../runtime/caller.ts'
import { AppError } from '../../../runtime/errors.ts'
import type { HostRequest } from '../../host-request.ts'
import type { HostContext } from '../host-context.ts'

/** Not yet. */
export async function watchCollection(
  _context: HostContext,
  _request: HostRequest,
  _caller: Caller,
  _service: string,
  _args: readonly unknown[],
): Promise<Response> {
  throw new AppError('ServiceCommandNotFound', 'no streams')
}
