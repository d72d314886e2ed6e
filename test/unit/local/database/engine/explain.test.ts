import { describe, expect, it } from 'vitest'
import { toDoc } from '../../../../../local/database/bson/value.ts'
import { explainFilter } from '../../../../../local/database/engine/match/explain.ts'
import { createEnv, show, shown } from '../support.ts'

describe('the details of a failed validation', () => {
  it.each([
    [{ a: { $gt: 1 } }, { a: 5 }, null],
    [
      { a: { $gt: 1 } },
      { a: 0 },
      { operatorName: '$gt', specifiedAs: { a: { $gt: 1 } }, reason: 'comparison failed', consideredValue: 0 },
    ],
    [{ a: 1 }, {}, { operatorName: '$eq', specifiedAs: { a: 1 }, reason: 'field was missing' }],
    [
      { a: { $exists: true }, b: { $type: 'string' } },
      { b: 5 },
      {
        operatorName: '$and',
        clausesNotSatisfied: [
          {
            index: 0,
            details: { operatorName: '$exists', specifiedAs: { a: { $exists: true } }, reason: 'path does not exist' },
          },
          {
            index: 1,
            details: {
              operatorName: '$type',
              specifiedAs: { b: { $type: 'string' } },
              reason: 'type did not match',
              consideredValue: 5,
              consideredType: 'int',
            },
          },
        ],
      },
    ],
    [{ $nor: [{ a: 1 }] }, { a: 1 }, { operatorName: '$nor', clausesSatisfied: [{ index: 0 }] }],
  ])('%j of %j are %j', (filter, doc, expected) => {
    const details = explainFilter(toDoc(filter), createEnv())(toDoc(doc))
    expect(details && show(details)).toBe(expected && shown(expected))
  })
})
