import { parseArgs } from 'node:util'
import { startDatabase } from './main.ts'

const usage = `usage: node local/database/serve.ts [--port 27117] [--db-path DIR]
  --port 27117     where to listen, on this machine alone; 0: any free port
  --db-path DIR    keeps the data there; without it they are gone when the process ends
Prints the connection string and serves until it is stopped.`

/** @returns the exit code; undefined while it serves */
async function main(): Promise<number | undefined> {
  const values = readArguments()
  if (typeof values === 'string') {
    console.error(values)
    return 2
  }
  if (values.help) {
    console.log(usage)
    return 0
  }
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    console.error(`--port must be a number from 0 to 65535, not '${values.port}'`)
    return 2
  }
  const path = values['db-path']
  try {
    const database = await startDatabase({ port, ...(path === undefined ? {} : { path }) })
    console.log(database.uri)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        database.close().then(() => process.exit(0))
      })
    }
    return undefined
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 1
  }
}

/** The options, or what is wrong with them. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '27117' },
        'db-path': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
  }
}

process.exitCode = await main()
