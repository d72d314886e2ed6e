import { describe, expect, it } from 'vitest'
import { chooseFormat } from '../../../edge/format.ts'

describe('chooseFormat', () => {
  it.each([
    [undefined, 'JSON', 'JSON'],
    [undefined, 'EJSON', 'EJSON'],
    ['', 'EJSON', 'EJSON'],
    ['*/*', 'EJSON', 'EJSON'],
    ['text/html', 'JSON', 'JSON'],
    ['application/json', 'EJSON', 'JSON'],
    ['application/ejson', 'JSON', 'EJSON'],
    ['APPLICATION/EJSON', 'JSON', 'EJSON'],
    ['application/json, text/plain, */*', 'EJSON', 'JSON'],
    ['application/json;q=0.2, application/ejson;q=0.9', 'JSON', 'EJSON'],
    ['application/ejson;q=0, application/json;q=0.1', 'EJSON', 'JSON'],
    ['application/ejson, application/json', 'JSON', 'EJSON'],
  ] as const)('Accept %j with %s configured is %s', (accept, fallback, expected) => {
    expect(chooseFormat(accept, fallback)).toBe(expected)
  })
})
