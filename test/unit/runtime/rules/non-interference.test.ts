import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RulesTestApp, startRulesApp } from '../../../support/rules-app.ts'
import { assertSameOutcomes, hiding } from './hidden-worlds.ts'

describe('what a caller learns does not depend on what is hidden', () => {
  let app: RulesTestApp
  beforeAll(async () => {
    app = await startRulesApp('interference')
  })
  afterAll(() => app.close())

  it.each(Object.keys(hiding))('under %s', { timeout: 120_000 }, (name) => assertSameOutcomes(app, name, 12))
})
