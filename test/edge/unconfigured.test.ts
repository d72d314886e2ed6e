import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { startWorkerEdge } from '../../local/worker-host.ts'
import { wireApp, wireFolder } from '../contract/edge-under-test.ts'
import { captureLine } from '../support/captured-log.ts'

const nowhere = 'mongodb://127.0.0.1:1'

describe('an edge without its signing key', () => {
  let outDir: string
  beforeAll(async () => {
    outDir = await mkdtemp(path.join(os.tmpdir(), 'unconfigured-'))
  })
  afterAll(() => rm(outDir, { recursive: true, force: true }))

  it.each(['', 'too short'])('does not start on Node (%j)', async (EDGE_SIGNING_KEY) => {
    const { built } = await loadBuiltApp(wireFolder)
    await expect(startNodeEdge({ built, uri: nowhere, port: 0, secrets: { EDGE_SIGNING_KEY } })).rejects.toThrow(
      'EDGE_SIGNING_KEY must have at least 32 bytes',
    )
  })

  it('serves nothing on Workers', async () => {
    const entry = path.resolve(import.meta.dirname, '../../edge/worker.ts')
    const { outFile } = await bundleWorker({ appDir: wireFolder, entry, outDir })
    const edge = await startWorkerEdge({ bundle: outFile, uri: nowhere, port: 0, secrets: {}, onLog: captureLine })
    try {
      const answer = await fetch(`${edge.url}/app/${wireApp}/endpoint/text`)
      expect([answer.status, await answer.json()]).toEqual([
        500,
        { error: 'EDGE_SIGNING_KEY must have at least 32 bytes', error_code: 'InternalServerError' },
      ])
    } finally {
      await edge.close()
    }
  })
})
