import type { DatabaseTrigger, Trigger } from '../../schemas/app/definition.ts'
import type { Namespace } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemUser } from '../user.ts'

const unavailableStatus = 503
/** Server code of a command that the database user has no right to. */
const unauthorized = 13

export interface FireOptions {
  /** How often a function that throws is run again. */
  readonly retries: number
  /** Told of each namespace that the function writes to. */
  readonly onWrite?: (namespace: Namespace) => void
}

/**
 * - `done`: the function ended or threw; its error is in the log and concerns no other trigger (spec: triggers 1 and 5)
 * - `unavailable`: the database did not answer, which says nothing about the function
 */
export type FireOutcome = 'done' | 'unavailable'

/** Runs a trigger's function as the system and with an empty request. Never rejects. */
export async function fire(
  runtime: Runtime,
  trigger: Trigger,
  args: readonly unknown[],
  { retries, onWrite }: FireOptions,
): Promise<FireOutcome> {
  const name = trigger.function_name
  if (name === undefined) return 'done'
  const callOptions = onWrite === undefined ? {} : { onWrite }
  for (let attempt = 0; attempt <= retries; attempt++) {
    const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: crypto.randomUUID() }
    try {
      await runtime.callFunction(name, args, caller, 'trigger', callOptions)
      return 'done'
    } catch (error) {
      // callFunction has logged it.
      if (isAway(error)) return 'unavailable'
    }
  }
  return 'done'
}

/** A right that the database user lacks is no outage: waiting would not bring it. */
function isAway(error: unknown): boolean {
  return error instanceof AppError && error.status === unavailableStatus && error.detail?.code !== unauthorized
}

/** Why a trigger cannot run at all, or undefined. */
export function invalidReason(runtime: Runtime, trigger: Trigger): string | undefined {
  const { functions, broken } = runtime.built
  const name = trigger.function_name
  if (name === undefined) return 'it sends to EventBridge, which is not served here'
  if (Object.hasOwn(broken, name)) return `its function "${name}" cannot run: ${broken[name]?.message}`
  if (!Object.hasOwn(functions, name)) return `its function "${name}" does not exist`
  return trigger.type === 'DATABASE' ? sourceReason(runtime, trigger) : undefined
}

/** What a change stream would be refused for, or undefined. */
function sourceReason(runtime: Runtime, { config }: DatabaseTrigger): string | undefined {
  const source = runtime.built.definition.dataSources.find(({ name }) => name === config.service_name)
  if (source !== undefined && source.type !== 'mongodb-atlas')
    return `its data source "${source.name}" has the type "${source.type}", which has no change streams`
  const excluded = Object.entries(config.project).find(
    ([path, value]) => path !== '_id' && (value === 0 || value === false),
  )
  return excluded === undefined ? undefined : `its project excludes "${excluded[0]}": nothing but _id may be excluded`
}
