import { Agent, request } from 'node:http'
import fc from 'fast-check'
import { expect } from 'vitest'
import { type EdgeUnderTest, wireApp } from './edge-under-test.ts'
import { actionBodies } from './fuzz-bodies.ts'

export const actionNames = [
  'findOne',
  'find',
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'replaceOne',
  'deleteOne',
  'deleteMany',
  'aggregate',
]

function post(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends generated bodies to one action: every answer is a documented one, and none tells of our insides. */
export async function fuzzAction(edge: EdgeUnderTest, action: string, runs: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const url = `${edge.url}/app/${wireApp}/endpoint/data/v1/action/${action}`
  try {
    await fc.assert(
      fc.asyncProperty(actionBodies(`fuzz-${action}`), async (body) => {
        const { status, text } = await post(agent, url, { apiKey: edge.key }, body)
        expect([200, 201, 400, 403], `${text}\n${body.slice(0, 400)}`).toContain(status)
        expect(text).not.toMatch(/mongodb:\/\/|node_modules|\n\s+at |\.ts:\d/)
        if (text !== '') JSON.parse(text)
      }),
      { numRuns: runs },
    )
  } finally {
    agent.destroy()
  }
}
