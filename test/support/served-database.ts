import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const SERVE = fileURLToPath(new URL('../../local/database/serve.ts', import.meta.url))
const BYTES_PER_KILOBYTE = 1024

/** The memory of a process, bytes. */
export interface ProcessMemory {
  readonly resident: number
  /** The most it ever was. */
  readonly peak: number
}

/** The local database as a process of its own. */
export interface ServedDatabase {
  readonly uri: string
  /** Milliseconds from its start until it said where it listens. */
  readonly startMs: number
  /** @throws {Error} where there is no `/proc` */
  memory(): Promise<ProcessMemory>
  /** Ends it as Ctrl-C does. */
  close(): Promise<void>
}

/** Runs `serve.ts` on a free port. @throws {Error} with what it said, when it does not start */
export async function serveDatabase(folder?: string): Promise<ServedDatabase> {
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [SERVE, '--port', '0', ...(folder === undefined ? [] : ['--db-path', folder])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const uri = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data).trim()))
    child.stderr.once('data', (data) => reject(new Error(String(data))))
    child.once('error', reject)
  })
  return {
    uri,
    startMs: performance.now() - started,
    async memory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      const read = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * BYTES_PER_KILOBYTE
      return { resident: read('VmRSS'), peak: read('VmHWM') }
    },
    async close() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
