import { EJSON } from 'bson'
import type { Expression, FunctionConfig } from '../../schemas/app/definition.ts'
import { unlistedFunction } from '../../schemas/app/unlisted-function.ts'
import type { Caller } from '../caller.ts'
import { AppError } from '../errors.ts'
import type { FunctionFactory } from '../function-module.ts'
import type { LogEntry } from '../log.ts'
import type { CallOptions, CallSource, Runtime } from '../runtime.ts'
import type { User } from '../user.ts'
import { createContext } from './context.ts'
import { stackOf, toFunctionError } from './errors.ts'
import { createBson } from './globals/bson.ts'
import { createEjson } from './globals/ejson.ts'
import { createRequire } from './globals/require.ts'
import { createUtils } from './globals/utils.ts'
import { Invocation } from './invocation.ts'
import { cutToBytes, LogBuffer } from './log-buffer.ts'
import { materialise } from './result.ts'
import { resolveRunAs } from './run-as.ts'
import { toFunctionValue } from './values.ts'

/** Spec: function runtime 8. */
const defaultTimeoutMs = 300_000
/** The original's number is not documented; deep enough for any tree walk, shallow enough for every stack. */
const maxCallDepth = 64
const maxLoggedArgumentBytes = 512

/** What calling functions needs beside the runtime itself. */
export interface FunctionHost {
  readonly runtime: Runtime
  readonly lastDeployed: Date
  findUser(id: string): Promise<User | undefined>
  /** Decides an expression without a document (spec: rules 7). */
  canEvaluate(expression: Expression, caller: Caller, args: readonly unknown[]): boolean | Promise<boolean>
}

interface Call {
  readonly name: string
  readonly args: readonly unknown[]
  readonly caller: Caller
  readonly source: CallSource
  readonly depth: number
}

function ownProperty<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function findFunction(host: FunctionHost, name: string): { config: FunctionConfig; factory: FunctionFactory } {
  const { built } = host.runtime
  const broken = ownProperty(built.broken, name)
  if (broken !== undefined) throw new AppError(broken.code, broken.message)
  const factory = ownProperty(built.functions, name)
  if (factory === undefined) throw new AppError('FunctionNotFound', `function not found: '${name}'`)
  const config = built.definition.functions.find((candidate) => candidate.name === name)
  // Generated functions, such as run-as scripts, have no entry in the manifest.
  return { factory, config: config ?? unlistedFunction(name) }
}

/** `true` and `{}` need no evaluation, which keeps calls of synchronous functions synchronous. */
function isAlwaysTrue(expression: Expression): boolean {
  return expression === true || (typeof expression === 'object' && Object.keys(expression).length === 0)
}

function then<T, R>(value: T | Promise<T>, next: (value: T) => R): R | Promise<Awaited<R>> {
  return value instanceof Promise ? (value.then(next) as Promise<Awaited<R>>) : next(value)
}

/** Runs one function inside `invocation` and returns exactly what it returns. */
function runFunction(host: FunctionHost, invocation: Invocation, call: Call): unknown {
  if (call.depth > maxCallDepth)
    throw new AppError('FunctionMaxStackDepthError', `functions call each other more than ${maxCallDepth} levels deep`)
  const { config, factory } = findFunction(host, call.name)
  const caller = resolveRunAs(config, call.caller, call.source, {
    findUser: host.findUser,
    // The script sees what the function will: public apps read the endpoint's query to choose the user.
    runScript: (name, scriptCaller) =>
      host.runtime.callFunction(
        name,
        call.args,
        { ...scriptCaller, runAsSystem: true, callDepth: call.depth },
        'system',
      ),
  })
  return then(caller, (resolved) =>
    then(isAllowed(host, config, call, resolved), (allowed) => {
      if (!allowed) throw new AppError('FunctionExecutionError', `rule not matched for function "${call.name}"`)
      if (config.private && call.source === 'client')
        throw new AppError('NotCallable', `function "${call.name}" is private`)
      return enter(host, invocation, factory, { ...call, caller: { ...resolved, callDepth: call.depth } })
    }),
  )
}

function isAllowed(host: FunctionHost, config: FunctionConfig, call: Call, caller: Caller): boolean | Promise<boolean> {
  // There is no user whom the expression could speak of.
  if (call.source === 'trigger' || call.source === 'system') return true
  return isAlwaysTrue(config.can_evaluate) || host.canEvaluate(config.can_evaluate, caller, call.args)
}

function enter(host: FunctionHost, invocation: Invocation, factory: FunctionFactory, call: Call): unknown {
  const { runtime } = host
  const context = createContext({
    runtime,
    invocation,
    caller: call.caller,
    lastDeployed: host.lastDeployed,
    execute: (name, args) =>
      invocation.enter(() =>
        runFunction(host, invocation, {
          name,
          args,
          caller: call.caller,
          source: call.source === 'trigger' ? 'trigger' : 'function',
          depth: call.depth + 1,
        }),
      ),
  })
  const exported = factory(
    context,
    createBson(),
    createEjson(),
    createUtils(runtime.options.now),
    createRequire(runtime.built.packages),
    invocation.console,
    {},
    undefined,
    invocation.shared,
  )
  if (typeof exported !== 'function')
    throw new AppError('FunctionInvalid', `function "${call.name}" does not assign a function to exports`)
  return Reflect.apply(exported, undefined, call.args)
}

const logTypes: Readonly<Record<CallSource, LogEntry['type']>> = {
  client: 'function',
  endpoint: 'endpoint',
  trigger: 'trigger',
  function: 'function',
  rule: 'function',
  system: 'function',
}

/** Arguments of client calls, cut; those of endpoints hold credential headers, those of the system passwords. */
function loggedArguments(host: FunctionHost, call: Call): Record<string, unknown> | undefined {
  const config = host.runtime.built.definition.functions.find((candidate) => candidate.name === call.name)
  if (call.source !== 'client' || call.args.length === 0 || config === undefined || config.disable_arg_logs) return
  try {
    return { arguments: cutToBytes(EJSON.stringify(call.args), maxLoggedArgumentBytes) }
  } catch {
    return undefined
  }
}

function logRun(host: FunctionHost, call: Call, lines: string[], startedAt: number, error?: AppError): void {
  // One line for each document that a rule looks at would drown the log.
  if (call.source === 'rule' && error === undefined && lines.length === 0) return
  const { runtime } = host
  const stack = error === undefined ? undefined : stackOf(error)
  const detail = loggedArguments(host, call)
  runtime.options.log({
    type: logTypes[call.source],
    status: error === undefined ? 'ok' : 'error',
    name: call.name,
    requestId: call.caller.requestId,
    ...(call.caller.user.id === '' ? {} : { userId: call.caller.user.id }),
    ...(error === undefined ? {} : { error: error.message }),
    ...(stack === undefined ? {} : { stack }),
    ...(lines.length === 0 ? {} : { logs: lines }),
    durationMs: runtime.options.now().getTime() - startedAt,
    ...(detail === undefined ? {} : { detail }),
  })
}

/** Client and rule arguments are BSON values; others are made for the function and stay what they are. */
function argumentsOf(args: readonly unknown[], source: CallSource): readonly unknown[] {
  return source === 'client' || source === 'rule' ? args.map((argument) => toFunctionValue(argument)) : args
}

/**
 * One call from outside: `Runtime.callFunction`. Every call has its own limits, log entry and globals.
 *
 * @throws {AppError} as `Runtime.callFunction` says
 */
export async function callFunction(
  host: FunctionHost,
  name: string,
  args: readonly unknown[],
  caller: Caller,
  source: CallSource,
  options: CallOptions = {},
): Promise<unknown> {
  const { now, functionTimeoutMs = defaultTimeoutMs } = host.runtime.options
  const startedAt = now().getTime()
  const logs = new LogBuffer(source === 'trigger' ? 'first' : 'last')
  const invocation = new Invocation(functionTimeoutMs, logs, options.onWrite)
  const depth = (caller.callDepth ?? 0) + 1
  const call: Call = { name, args, caller, source, depth }
  try {
    const result = await invocation.withinLimits(() =>
      materialise(runFunction(host, invocation, { ...call, args: argumentsOf(args, source) })),
    )
    logRun(host, call, logs.lines, startedAt)
    return result
  } catch (thrown) {
    const error = toFunctionError(thrown)
    logRun(host, call, logs.lines, startedAt, error)
    throw error
  } finally {
    const finished = invocation.finish()
    // A trigger's position is stored once its effects are in the database.
    if (source === 'trigger') await finished
  }
}
