import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { repositoryRoot } from '../../cli/own-app.ts'

export interface CliOutcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Runs `atlas-edge` as a process of its own. `onProgress` sees stderr as it comes, and the process. */
export function runCli(args: readonly string[], onProgress?: (text: string, child: ChildProcess) => void) {
  return new Promise<CliOutcome>((resolve) => {
    const child = spawn(process.execPath, [path.join(repositoryRoot, 'cli/main.ts'), ...args], { cwd: repositoryRoot })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
      onProgress?.(err, child)
    })
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}
