import { afterAll, beforeAll, describe, it } from 'vitest'
import { type EdgeUnderTest, startEdgeUnderTest } from '../contract/edge-under-test.ts'
import { actionNames, fuzzAction } from '../contract/fuzz-action.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 10_000)

describe(`${runs} arbitrary bodies`, () => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest('node')
  })
  afterAll(() => edge?.close())

  it.each(actionNames)('%s answers a documented status', (action) => fuzzAction(edge, action, runs))
})
