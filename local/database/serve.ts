import { parseArgs } from 'node:util'
import { startDatabase } from './main.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '27117' },
    'db-path': { type: 'string' },
  },
})

try {
  const database = await startDatabase({
    port: Number(values.port),
    ...(values['db-path'] === undefined ? {} : { path: values['db-path'] }),
  })
  console.log(database.uri)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      database.close().then(() => process.exit(0))
    })
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
