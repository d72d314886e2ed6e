import { expect, it } from 'vitest'
import { createResponseRecorder } from '../../../../runtime/endpoints/response-recorder.ts'

it('lets a function chain the setters of its response', () => {
  const { recorded, response } = createResponseRecorder()
  expect(response.setHeader('X-A', '1').addHeader('X-A', '2').setStatusCode(201).setBody('made')).toBe(response)
  expect(recorded).toEqual({
    status: 201,
    headers: [
      ['X-A', '1'],
      ['X-A', '2'],
    ],
    body: 'made',
    hasBody: true,
  })
})
