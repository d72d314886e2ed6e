import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RulesTestApp, startRulesApp } from '../support/rules-app.ts'
import { assertSameOutcomes, hiding } from '../unit/runtime/rules/hidden-worlds.ts'

describe('what a caller learns does not depend on what is hidden, many times', () => {
  let app: RulesTestApp
  beforeAll(async () => {
    app = await startRulesApp('hidden')
  })
  afterAll(() => app.close())

  it.each(Object.keys(hiding))('under %s', { timeout: 600_000 }, (name) => assertSameOutcomes(app, name, 3_000))
})
