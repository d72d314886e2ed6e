import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { expect } from 'vitest'
import type { Credentials } from './credentials.ts'
import { type EdgeUnderTest, wireApp } from './edge-under-test.ts'

/** One row of a contract table: any edge that serves the app must answer so. */
export interface ContractCase {
  name: string
  app: string
  /** `key`: the API key in `apiKey`; `nobody`; headers of the request may carry others. */
  as: 'key' | 'nobody'
  /** Documents of `wire.<collection>` before the request, the collection emptied first. */
  given?: Record<string, unknown[]>
  request: {
    method?: string
    /** From the root; `{{action}}` stands for the v1 actions, `{{beta}}` for those of beta, `{{endpoint}}` for `/endpoint`. */
    path: string
    headers?: Record<string, string>
    /** Sent as JSON. */
    body?: unknown
    /** Sent as it is. */
    text?: string
    /** That many bytes of spaces. */
    bytes?: number
  }
  expect: {
    status: number
    /** Lower-case names; null = the header must be absent. */
    headers?: Record<string, string | null>
    /** Compared as a whole; `{{objectId}}`, `{{link}}` and `{{text}}` stand for any such string. */
    body?: unknown
    /** The exact text. */
    text?: string
    /** Must occur in the text. */
    contains?: string
  }
}

export function readCases(file: string): ContractCase[] {
  return JSON.parse(readFileSync(`${import.meta.dirname}/cases/${file}.json`, 'utf8'))
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** `fetch` refuses a GET with a body; clients of the original service sent them. */
export function send(url: string, method: string, headers: Record<string, string>, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body.length > 0 ? { 'Content-Length': String(body.length) } : {}
    const request = httpRequest(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)
}

const patterns: Record<string, unknown> = {
  '{{objectId}}': expect.stringMatching(/^[0-9a-f]{24}$/),
  '{{link}}': expect.stringMatching(/^https?:\/\/.+\/groups\/[0-9a-f]{24}\/apps\/[0-9a-f]{24}\/logs\?co_id=.+$/),
  '{{text}}': expect.any(String),
}

function withPatterns(value: unknown): unknown {
  if (typeof value === 'string') return value in patterns ? patterns[value] : value
  if (Array.isArray(value)) return value.map(withPatterns)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPatterns(item)]))
}

async function seed(edge: EdgeUnderTest, given: Record<string, unknown[]>): Promise<void> {
  for (const [collection, documents] of Object.entries(given)) {
    const target = { dataSource: 'mongodb-atlas', database: 'wire', collection }
    const act = async (action: string, fields: object) => {
      const url = `${edge.url}/app/${wireApp}/endpoint/data/v1/action/${action}`
      const body = Buffer.from(JSON.stringify({ ...target, ...fields }))
      const answer = await send(url, 'POST', { apiKey: edge.key }, body)
      expect(answer.status, answer.text).toBeLessThan(300)
    }
    // On a server that others use, what they left behind may be out of the key's reach.
    if (edge.client) await edge.client.db('wire').collection(collection).deleteMany({})
    else await act('deleteMany', { filter: {} })
    if (documents.length > 0) await act('insertMany', { documents })
  }
}

/** Sends the request of a case and holds the answer against it. */
export async function runCase(edge: EdgeUnderTest, credentials: Credentials, row: ContractCase): Promise<void> {
  if (row.given) await seed(edge, row.given)
  const places = {
    action: `/app/${row.app}/endpoint/data/v1/action`,
    beta: `/app/${row.app}/endpoint/data/beta/action`,
    endpoint: `/app/${row.app}/endpoint`,
  }
  const values = { ...credentials, ...places }
  const headers: Record<string, string> = row.as === 'key' ? { apiKey: credentials.key } : {}
  for (const [name, value] of Object.entries(row.request.headers ?? {})) headers[name] = fill(value, values)
  const { method = 'POST', path, body, text, bytes } = row.request
  const content = bytes !== undefined ? ' '.repeat(bytes) : (text ?? (body === undefined ? '' : JSON.stringify(body)))
  const answer = await send(edge.url + fill(path, values), method, headers, Buffer.from(fill(content, values)))

  expect({ status: answer.status, text: answer.text }).toEqual({ status: row.expect.status, text: expect.any(String) })
  for (const [name, value] of Object.entries(row.expect.headers ?? {}))
    expect(answer.headers[name], name).toEqual(value === null ? undefined : withPatterns(value))
  if (row.expect.text !== undefined) expect(answer.text).toBe(row.expect.text)
  if (row.expect.contains !== undefined) expect(answer.text).toContain(row.expect.contains)
  if (row.expect.body !== undefined) expect(JSON.parse(answer.text)).toEqual(withPatterns(row.expect.body))
}
