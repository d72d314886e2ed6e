import type { Caller, RequestInfo } from '../caller.ts'
import type { Runtime } from '../runtime.ts'
import type { User } from '../user.ts'

/** What the expansions of an expression stand for (spec: rules 5.2). An absent part equals nothing. */
export interface ExpressionScope {
  readonly user: User
  readonly request: RequestInfo
  readonly environment: { readonly tag: string; readonly values: Readonly<Record<string, unknown>> }
  /** A value, or the secret it names; undefined when unknown. */
  readonly value: (name: string) => unknown
  /** Runs `%function`. */
  readonly callFunction: (name: string, args: readonly unknown[]) => Promise<unknown>
  /** The document at the end of the operation. */
  readonly root?: unknown
  /** The document before a write. */
  readonly prevRoot?: unknown
  /** The field being checked, after the operation. */
  readonly this?: unknown
  /** The field being checked, before the operation. */
  readonly prev?: unknown
  /** Arguments of a function (`can_evaluate`). */
  readonly args?: unknown
}

/** The parts of a scope that hold for a whole request; documents are added per check. */
export function createScope(runtime: Runtime, caller: Caller): ExpressionScope {
  const { environment, environmentValues } = runtime.built.definition
  return {
    user: caller.user,
    request: caller.request,
    environment: { tag: environment, values: environmentValues },
    value: (name) => runtime.value(name),
    callFunction: (name, args) => runtime.callFunction(name, args, caller, 'rule'),
  }
}
