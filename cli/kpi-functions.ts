import type { AppError } from '../runtime/errors.ts'
import { systemUser } from '../runtime/user.ts'
import { type CommandContext, CommandError, UsageError } from './command.ts'
import { type OpenRuntime, openRuntime } from './open-runtime.ts'

/** Calls one of the app's KPI functions as the system. */
export type CallKpi = (name: string, ...args: unknown[]) => Promise<unknown>

function isAppError(error: unknown): error is AppError {
  return error instanceof Error && error.name === 'AppError'
}

/**
 * Runs `body` with the app's own functions, on the server of `--uri`.
 *
 * @throws {UsageError} when a function refuses an argument
 * @throws {CommandError} when the app has no such function, or it fails
 */
export async function withKpiFunctions<T>(
  context: CommandContext,
  body: (call: CallKpi, open: OpenRuntime) => Promise<T>,
): Promise<T> {
  const open = await openRuntime(context, { silentFailures: true })
  const call: CallKpi = async (name, ...args) => {
    try {
      return await open.runtime.callFunction(
        name,
        args,
        { user: systemUser, runAsSystem: true, request: {}, requestId: 'cli' },
        'system',
      )
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (isAppError(error)) {
        // The class of a bundled function is its own; its name is what survives.
        if (error.cause instanceof Error && error.cause.name === 'InvalidArgument') throw new UsageError(message)
        if (error.code === 'FunctionNotFound')
          throw new CommandError(`this app has no function "${name}"; KPIs are those of the bi_dashboard app`)
        throw new CommandError(message)
      }
      throw error
    }
  }
  try {
    return await body(call, open)
  } finally {
    await open.close()
  }
}
