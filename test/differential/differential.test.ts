import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDatabase, startDatabase } from '../../local/database/main.ts'
import { type Observer, runDifferential } from './run.ts'
import { DifferentialServer } from './server.ts'
import { toSnippet } from './snippet.ts'

let database: RunningDatabase
let one: DifferentialServer
let other: DifferentialServer
beforeAll(async () => {
  database = await startDatabase({ port: 0 })
  one = new DifferentialServer(database.uri, 'differential_one')
  other = new DifferentialServer(database.uri, 'differential_other')
})
afterAll(async () => {
  await one.close()
  await other.close()
  await database.close()
})

describe('the differential check', () => {
  it('finds no difference of the local database from itself', async () => {
    const found: string[] = []
    const result = await runDifferential(one, other, {
      operations: 200,
      seed: 1,
      maxDifferences: 5,
      report: (_difference, scenario) => found.push(toSnippet(scenario)),
    })
    expect(found).toEqual([])
    expect(result.differences).toBe(0)
    expect(result.operations).toBeGreaterThanOrEqual(200)
  })

  it('shrinks a difference to the smallest operation that shows it', async () => {
    const miscounting: Observer = {
      async observe(scenario) {
        const { answers, data } = await other.observe(scenario)
        return {
          data,
          answers: answers.map((answer) => ({ ...answer, summary: answer.summary.replace(/^n: \d+$/, 'n: 7') })),
        }
      },
    }
    const found: string[] = []
    await runDifferential(one, miscounting, {
      operations: 200,
      seed: 2,
      maxDifferences: 1,
      only: ['delete'],
      report: (_difference, scenario) => found.push(toSnippet(scenario)),
    })
    expect(found).toEqual([
      "await db.dropCollection('things')\nawait db.command({ delete: 'things', deletes: [{ q: {}, limit: 0 }] })",
    ])
  })
})
