import { afterAll, beforeAll, describe, it } from 'vitest'
import { type EdgeUnderTest, startEdgeUnderTest } from './edge-under-test.ts'
import { actionNames, fuzzAction } from './fuzz-action.ts'

describe('arbitrary bodies', () => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest('node')
  })
  afterAll(() => edge?.close())

  it.each(actionNames)('%s answers a documented status', (action) => fuzzAction(edge, action, 60))
})
