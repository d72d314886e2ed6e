import { describe, expect, it } from 'vitest'
import { firstValues, parseQuery, withoutPair } from '../../../runtime/endpoints/query.ts'

describe('query', () => {
  it.each([
    ['', {}],
    ['a=1', { a: '1' }],
    ['a=1&a=2', { a: '1' }],
    ['a', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['a+b=c+d', { 'a b': 'c d' }],
    ['a=%2', { a: '%2' }],
    ['&&a=1&', { a: '1' }],
    ['x=na,eu', { x: 'na,eu' }],
  ])('%j', (raw, expected) => {
    expect(firstValues(parseQuery(raw))).toEqual(expected)
  })

  it('keeps keys that objects have of their own', () => {
    const query = firstValues(parseQuery('__proto__=1&constructor=2'))
    expect(Object.entries(query)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
    expect(Object.getPrototypeOf(query)).toBe(Object.prototype)
  })

  it.each([
    ['secret=x', ''],
    ['a=1&secret=x&b=2', 'a=1&b=2'],
    ['secret=x&secret=y&a=1', 'a=1'],
    ['%73ecret=x&a=1', 'a=1'],
    ['Secret=x&secrets=y', 'Secret=x&secrets=y'],
  ])('%j without the secret is %j', (raw, expected) => {
    expect(withoutPair(raw, 'secret')).toBe(expected)
  })
})
