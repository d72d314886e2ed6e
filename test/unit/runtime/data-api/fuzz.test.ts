import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Namespace } from '../../../../runtime/data/data-access.ts'
import { actionNames, arbitraryBody, assertAnswered, fuzzDocuments, fuzzRules } from '../../../support/data-api-fuzz.ts'
import { type RulesTestApp, startRulesApp } from '../../../support/rules-app.ts'

describe('any body', () => {
  let app: RulesTestApp
  let ns: Namespace
  beforeAll(async () => {
    app = await startRulesApp('fuzz')
    ns = await app.collection(fuzzRules, fuzzDocuments)
  })
  afterAll(() => app.close())

  it.each(actionNames)('gets an answer or a refusal from %s', async (action) => {
    await fc.assert(
      fc.asyncProperty(arbitraryBody(action, ns), fc.constantFrom('system' as const, 'bob' as const), (text, user) =>
        assertAnswered(app, action, text, user),
      ),
      { numRuns: 250 },
    )
  })
})
