#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Command, type CommandContext, CommandError, GuardError, UsageError } from './command.ts'
import { commandLoaders } from './registry.ts'

const sharedOptions = {
  uri: { type: 'string' },
  app: { type: 'string' },
  secrets: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const repositoryRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const defaultUri = 'mongodb://127.0.0.1:27117'

/** The longest command name that the arguments start with, and what follows it. */
function selectCommand(argv: readonly string[]): { name: string; rest: string[] } | undefined {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ')
    if (argv.length >= words && Object.hasOwn(commandLoaders, name)) return { name, rest: argv.slice(words) }
  }
  return undefined
}

async function printHelp(): Promise<void> {
  const commands = await Promise.all(Object.values(commandLoaders).map(async (load) => (await load()).command))
  const lines = commands.map((command) => `  ${command.name.padEnd(18)} ${command.summary}`)
  process.stdout.write(
    `atlas-edge: run exported App Services apps\n\nCommands:\n${lines.join('\n')}\n\n` +
      `Shared options: --uri mongodb://...  --app DIR  --secrets FILE  --json  --help\n`,
  )
}

/** Reads a JSON file that maps secret names to values. The values never reach an error text. */
function readSecrets(file: string): Record<string, string> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`--secrets: cannot read ${file}`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new UsageError(`--secrets: ${file} is not JSON; it maps names to values: {"name": "value"}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UsageError(`--secrets: ${file} must hold one object: {"name": "value"}`)
  const secrets: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== 'string') throw new UsageError(`--secrets: the value of "${name}" in ${file} is not a string`)
    secrets[name] = value
  }
  return secrets
}

function parseCommandLine(command: Command, rest: string[]): CommandContext | 'help' {
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: rest,
      options: { ...sharedOptions, ...command.options },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error))
  }
  const values = parsed.values as CommandContext['values']
  if (values.help) return 'help'
  const json = values.json === true
  return {
    values,
    positionals: parsed.positionals,
    json,
    uri: typeof values.uri === 'string' ? values.uri : process.env.MONGODB_URI || defaultUri,
    appDir: path.resolve(typeof values.app === 'string' ? values.app : repositoryRoot),
    secrets: typeof values.secrets === 'string' ? readSecrets(values.secrets) : {},
    output(value, text) {
      process.stdout.write(`${json ? JSON.stringify(value) : (text ?? JSON.stringify(value, null, 2))}\n`)
    },
    progress(text) {
      process.stderr.write(`${text}\n`)
    },
  }
}

async function main(argv: string[]): Promise<number> {
  const selected = selectCommand(argv)
  if (selected === undefined) {
    if (argv.length === 0 || argv.includes('--help') || argv.includes('-h') || argv[0] === 'help') {
      await printHelp()
      return 0
    }
    const group = Object.keys(commandLoaders).filter((name) => name.startsWith(`${argv[0]} `))
    const known = group.length > 0 ? group : Object.keys(commandLoaders)
    throw new UsageError(`no command "${argv.slice(0, 2).join(' ')}"; there are: ${known.join(', ')}`)
  }
  const load = commandLoaders[selected.name]
  if (load === undefined) throw new UsageError(`no command "${selected.name}"`)
  const { command } = await load()
  const context = parseCommandLine(command, selected.rest)
  if (context === 'help') {
    process.stdout.write(`atlas-edge ${command.name} ${command.usage}\n\n${command.summary}\n`)
    return 0
  }
  return (await command.run(context)) ?? 0
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2
  if (error instanceof GuardError) return 3
  return 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const expected = error instanceof UsageError || error instanceof CommandError || error instanceof GuardError
  const message = error instanceof Error ? error.message : String(error)
  // A driver message may quote the connection string, credentials included.
  const safe = message.replaceAll(/mongodb(\+srv)?:\/\/[^\s"']*/g, 'mongodb://...')
  process.stderr.write(`${expected ? '' : 'unexpected failure: '}${safe}\n`)
  if (!expected && process.env.ATLAS_EDGE_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`)
  process.exitCode = exitCodeOf(error)
}
