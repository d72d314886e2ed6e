import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type DifferentialServer, ServerDownError } from './server.ts'

export interface Revival {
  /** What a shell runs to start the server; without it the server is only waited for. */
  readonly command: string | undefined
  /** How long the server may take to come back. */
  readonly deadlineMs: number
  /** Told what the command says when it fails. */
  log(line: string): void
}

const FIRST_PAUSE_MS = 100

/**
 * Starts a server that went down again, as often as it takes, and waits until it answers.
 *
 * @throws {ServerDownError} when it stays away for longer than the deadline
 */
export async function revive(
  server: Pick<DifferentialServer, 'isUp'>,
  { command, deadlineMs, log }: Revival,
): Promise<void> {
  const deadline = Date.now() + deadlineMs
  for (let pauseMs = FIRST_PAUSE_MS; Date.now() < deadline; pauseMs *= 2) {
    if (await server.isUp()) return
    if (command !== undefined) {
      await promisify(execFile)('/bin/sh', ['-c', command]).catch((error: Error) => log(`${command}: ${error.message}`))
    }
    await sleep(pauseMs)
  }
  throw new ServerDownError('no answer')
}
