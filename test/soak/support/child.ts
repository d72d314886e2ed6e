import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A process that was started with all its children in a group of its own. */
export interface Child {
  /** The first line it printed. */
  readonly line: string
  /** Everything it said on stderr. */
  readonly said: readonly string[]
  /** Stops the whole group without ending it, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends the whole group with SIGKILL. Resolves when none of it runs any more. */
  kill(): Promise<void>
}

/** Starts a script of this folder. Resolves when it has printed a line. @throws {Error} when it ends before */
export async function startChild(script: string, args: readonly string[]): Promise<Child> {
  // What is killed leaves its files behind.
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'soak-child-'))
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch },
  })
  const said: string[] = []
  child.stderr.on('data', (data) => said.push(String(data)))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data).trim()))
    child.once('exit', (code) => reject(new Error(`${script} ended by itself: ${code}; ${said.join('')}`)))
  })
  child.removeAllListeners('exit')
  return {
    line,
    said,
    signal(name) {
      const isRunning = child.exitCode === null && child.signalCode === null
      if (isRunning && child.pid !== undefined) process.kill(-child.pid, name)
    },
    async kill() {
      await killGroup(child)
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

async function killGroup(child: ChildProcess): Promise<void> {
  const group = child.pid
  if (group === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-group, 'SIGKILL')
  await exited
  while (await isGroupAlive(group)) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** True while a process of the group runs. What is dead and not yet reaped by whoever inherited it does not. */
async function isGroupAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  const states = await Promise.all(
    (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => stateIn(pid, group)),
  )
  return states.some((state) => state !== undefined && state !== 'Z' && state !== 'X')
}

/** State of a process, when it belongs to the group. */
async function stateIn(pid: string, group: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name of the program may hold spaces and parentheses.
  const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(processGroup) === group ? state : undefined
}
