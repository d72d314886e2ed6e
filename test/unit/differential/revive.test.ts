import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { revive } from '../../differential/revive.ts'
import { ServerDownError } from '../../differential/server.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'revive-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('reviving a server', () => {
  it('runs the command when it does not answer, and returns when it does', async () => {
    const file = join(folder, 'up')
    await revive({ isUp: async () => existsSync(file) }, { command: `touch ${file}`, deadlineMs: 5_000, log: () => {} })
    expect(existsSync(file)).toBe(true)
  })

  it('runs nothing while it answers', async () => {
    const file = join(folder, 'needless')
    await revive({ isUp: async () => true }, { command: `touch ${file}`, deadlineMs: 5_000, log: () => {} })
    expect(existsSync(file)).toBe(false)
  })

  it('says how the command failed, and gives up after the deadline', async () => {
    const lines: string[] = []
    const log = (line: string) => lines.push(line)
    await expect(revive({ isUp: async () => false }, { command: 'exit 3', deadlineMs: 50, log })).rejects.toThrow(
      ServerDownError,
    )
    expect(lines[0]).toMatch(/^exit 3: Command failed/)
  })
})
