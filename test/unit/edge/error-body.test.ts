import { describe, expect, it } from 'vitest'
import { errorResponse, toErrorAnswer, UncodedError } from '../../../edge/error-body.ts'
import { AppError } from '../../../runtime/errors.ts'

const named = (name: string, message: string) => Object.assign(new Error(message), { name })

describe('toErrorAnswer', () => {
  it.each([
    [
      'a refusal by its code',
      new AppError('InvalidSession', 'no'),
      { status: 401, error: 'no', error_code: 'InvalidSession' },
    ],
    [
      'a refusal by its own status',
      new AppError('InvalidParameter', 'no', { status: 409 }),
      { status: 409, error: 'no', error_code: 'InvalidParameter' },
    ],
    [
      'a code without a status',
      new AppError('ServiceNotFound', 'no'),
      { status: 400, error: 'no', error_code: 'ServiceNotFound' },
    ],
    ['a refusal without a code', new UncodedError(401, 'no'), { status: 401, error: 'no', error_code: undefined }],
    [
      'anything else',
      new Error('mongodb://user:pw@host failed'),
      { status: 500, error: 'internal server error', error_code: 'InternalServerError' },
    ],
    ['a thrown text', 'secret', { status: 500, error: 'internal server error', error_code: 'InternalServerError' }],
  ])('answers %s', (_, error, expected) => {
    expect(toErrorAnswer(error)).toEqual({ ...expected, retryAfterSeconds: undefined })
  })

  it('answers a database that is away with 503 and when to come back', () => {
    const error = named('MongoServerSelectionError', 'connect ECONNREFUSED 10.0.0.1:27017')
    expect(toErrorAnswer(error)).toEqual({
      status: 503,
      error: 'database unavailable',
      error_code: 'MongoDBError',
      retryAfterSeconds: 2,
    })
  })
})

describe('errorResponse', () => {
  it('leaves out what there is none of', async () => {
    const answer = { status: 404, error: 'gone', error_code: undefined, retryAfterSeconds: 3 }
    const response = errorResponse(answer, undefined)
    expect([response.status, await response.text(), response.headers.get('retry-after')]).toEqual([
      404,
      '{"error":"gone"}',
      '3',
    ])
  })
})
