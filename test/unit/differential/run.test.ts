import { describe, expect, it } from 'vitest'
import type { Departure } from '../../differential/departures/departure.ts'
import { runInParallel } from '../../differential/parallel.ts'
import { type Observer, runDifferential, SERVER_WENT_DOWN } from '../../differential/run.ts'
import type { Scenario } from '../../differential/scenario.ts'
import { ServerDownError } from '../../differential/server.ts'
import { toSnippet } from '../../differential/snippet.ts'

/** Answers every command with one word. */
const saying = (word: string): Observer => ({
  observe: async ({ commands }) => ({ answers: commands.map(() => ({ summary: '', documents: [word] })), data: [] }),
})

const excusing = (proves: boolean | undefined): Departure => ({
  name: 'another word',
  reason: 'for this test',
  matches: ({ local, server }) => local?.documents[0] === 'yes' && server?.documents[0] === 'no',
  ...(proves === undefined ? {} : { proof: async () => proves }),
})

const QUIET = { operations: 5, seed: 1, maxDifferences: 1, report: () => {} }

describe('a run', () => {
  it.each([
    ['reports what no departure matches', [], 1, 0],
    ['counts what a departure without a proof matches', [excusing(undefined)], 0, 5],
    ['counts what a departure matches and proves', [excusing(true)], 0, 5],
    ['reports what a departure matches and cannot prove', [excusing(false)], 1, 0],
  ] as const)('%s', async (_name, departures, differences, atLeast) => {
    const result = await runDifferential(saying('yes'), saying('no'), { ...QUIET, departures })
    expect(result.differences).toBe(differences)
    const explained = [...result.known.values()].reduce((sum, count) => sum + count, 0)
    expect(explained).toBe(atLeast === 0 ? 0 : result.scenarios)
  })

  it('generates the same scenarios from the same seed, and others from the next', async () => {
    const seen = async (seed: number) => {
      const scenarios: Scenario[] = []
      const recording: Observer = {
        observe: (scenario) => {
          scenarios.push(scenario)
          return saying('yes').observe(scenario)
        },
      }
      await runDifferential(recording, saying('yes'), { ...QUIET, seed })
      return scenarios
    }
    const [first, again, next] = [await seen(1), await seen(1), await seen(2)]
    expect(again).toEqual(first)
    expect(next).not.toEqual(first)
  })
})

describe('a server that goes down', () => {
  /** Goes down under the scenarios of these places. */
  const fragile = (...places: number[]): Observer => {
    let calls = 0
    return {
      observe: async (scenario) => {
        if (places.includes(calls++)) throw new ServerDownError('connection closed')
        return saying('yes').observe(scenario)
      },
    }
  }

  it.each([
    ['once: the scenario runs again, and counts as any other', [1], 1, 0],
    ['again under the same scenario: that one is counted', [1, 2], 2, 1],
  ] as const)('%s', async (_name, places, revivals, counted) => {
    const downs: Scenario[] = []
    const result = await runDifferential(saying('yes'), fragile(...places), {
      ...QUIET,
      revive: async (scenario) => {
        downs.push(scenario)
      },
    })
    expect(downs).toHaveLength(revivals)
    expect(new Set(downs).size).toBe(1)
    expect(result.known.get(SERVER_WENT_DOWN)).toBe(counted)
    expect(result.differences).toBe(0)
    expect(result.operations).toBeGreaterThanOrEqual(QUIET.operations)
  })

  it('ends the run when nothing revives it', async () => {
    await expect(runDifferential(saying('yes'), fragile(1), QUIET)).rejects.toThrow(ServerDownError)
  })

  it('is never ours', async () => {
    const revive = () => Promise.resolve()
    await expect(runDifferential(fragile(1), saying('yes'), { ...QUIET, revive })).rejects.toThrow(
      'the local database went down',
    )
  })

  it('ends the run when it stays away', async () => {
    const revive = () => Promise.reject(new ServerDownError('no answer'))
    await expect(runDifferential(saying('yes'), fragile(1), { ...QUIET, revive })).rejects.toThrow('no answer')
  })
})

describe('several jobs', () => {
  it('share the operations, and none repeats the scenarios of another', async () => {
    const scenarios: string[][] = [[], []]
    const pairs = scenarios.map((seen): [Observer, Observer] => [
      {
        observe: (scenario) => {
          seen.push(toSnippet(scenario))
          return saying('yes').observe(scenario)
        },
      },
      saying('yes'),
    ])
    const result = await runInParallel(pairs, { ...QUIET, operations: 20 })
    expect(result.operations).toBeGreaterThanOrEqual(20)
    expect(result.scenarios).toBe(scenarios.flat().length)
    expect(scenarios[0]).not.toEqual(scenarios[1])
  })
})
