import path from 'node:path'
import { demoScales } from '../../local/demo/scale.ts'
import type { DevOptions, HostKind } from '../../local/dev/options.ts'
import { type Command, type CommandContext, optionalOption, UsageError } from '../command.ts'
import { isOwnApp } from '../own-app.ts'
import { listenForStop } from '../stop-signal.ts'

function port(context: CommandContext, name: string, fallback: number): number {
  const text = optionalOption(context, name)
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 65_534)
    throw new UsageError(`--${name} must be a port number from 1 to 65534, not "${text}"`)
  return value
}

function oneOf<T extends string>(context: CommandContext, name: string, choices: readonly T[], fallback: T): T {
  const text = optionalOption(context, name)
  if (text === undefined) return fallback
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not "${text}"`)
  return found
}

function parseDevOptions(context: CommandContext): DevOptions {
  const databasePath = optionalOption(context, 'db-path')
  const given = optionalOption(context, 'uri') ?? process.env.MONGODB_URI
  const uri = given === undefined || given === '' ? undefined : given
  if (uri !== undefined && databasePath !== undefined)
    throw new UsageError('--db-path keeps the data of the embedded database; it has no meaning with --uri')
  if (context.values.empty === true && context.values.seed === true)
    throw new UsageError('--empty and --seed contradict each other; give one of them')
  const environmentPort = Number(process.env.PORT)
  return {
    port: port(context, 'port', Number.isInteger(environmentPort) && environmentPort > 0 ? environmentPort : 8787),
    databasePort: port(context, 'db-port', 27_117),
    uri,
    appDir: context.appDir,
    secrets: context.secrets,
    seed:
      context.values.seed === true || (uri === undefined && context.values.empty !== true && isOwnApp(context.appDir)),
    scale: oneOf(context, 'scale', Object.keys(demoScales) as (keyof typeof demoScales)[], 'small'),
    databasePath: databasePath === undefined ? undefined : path.resolve(databasePath),
    host: oneOf<HostKind>(context, 'host', ['workerd', 'node'], 'workerd'),
  }
}

export const command: Command = {
  name: 'dev',
  summary: 'Runs everything on this machine: database, demo data, functions, triggers, edge, dashboard',
  usage:
    '[--port 8787] [--db-port 27117] [--uri mongodb://...] [--app DIR] [--secrets FILE] [--empty | --seed]\n' +
    '       [--scale small|full] [--db-path DIR] [--host workerd|node]',
  options: {
    port: { type: 'string' },
    'db-port': { type: 'string' },
    'db-path': { type: 'string' },
    empty: { type: 'boolean' },
    seed: { type: 'boolean' },
    scale: { type: 'string' },
    host: { type: 'string' },
  },
  async run(context) {
    const options = parseDevOptions(context)
    const stop = listenForStop()
    // Database, bundler and workerd are loaded once the options are known to be right.
    const [{ startStack }, { describeStack }] = await Promise.all([
      import('../../local/dev/stack.ts'),
      import('../../local/dev/banner.ts'),
    ])
    const starting = startStack(options, context.progress)
    const stack = await Promise.race([starting, stop.requested.then(() => undefined)])
    // Stopped while starting: what runs so far ends with the process.
    if (stack === undefined) process.exit(0)
    stop.takeOver()
    process.stdout.write(`${describeStack(stack)}\n`)
    await stop.requested
    context.progress('stopping')
    await stack.close()
    // What the workers of the tool chain leave open must not keep the terminal waiting.
    process.exit(0)
  },
}
