import { afterAll, beforeAll, describe, it } from 'vitest'
import { readCases, runCase } from './contract-case.ts'
import { type Credentials, makeCredentials } from './credentials.ts'
import { type EdgeUnderTest, hostKinds, startEdgeUnderTest } from './edge-under-test.ts'
import { gapsWithoutChangeStreams } from './known-gaps.ts'

describe.each(hostKinds)('the wire contract on %s', (kind) => {
  let edge: EdgeUnderTest
  let credentials: Credentials
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
    credentials = await makeCredentials(edge)
  })
  afterAll(() => edge?.close())

  for (const table of [
    'data-api',
    'data-api-auth',
    'data-api-errors',
    'endpoints',
    'cors',
    'public-clients',
    'client-auth',
  ]) {
    describe(table, () => {
      for (const row of readCases(table))
        it(row.name, (test) => {
          test.skip(!edge.changeStreams && row.name in gapsWithoutChangeStreams, gapsWithoutChangeStreams[row.name])
          return runCase(edge, credentials, row)
        })
    })
  }
})
