/** The local database in a process of its own, to be killed: `node database-process.ts <port> <folder>`. */
import process from 'node:process'
import { startDatabase } from '../../../local/database/main.ts'

const [port = '0', folder = ''] = process.argv.slice(2)
const database = await startDatabase({ port: Number(port), path: folder })
process.stdout.write(`${database.port}\n`)
