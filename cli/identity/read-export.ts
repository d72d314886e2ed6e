import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CommandError, UsageError } from '../command.ts'

const longestLine = 16 * 1024 * 1024

export interface ExportLine {
  /** From 1. */
  readonly number: number
  /** Undefined when the line is no JSON. */
  readonly value: unknown
}

/** An Auth0 user export: one JSON object a line, compressed with gzip or not. */
export interface UserExport {
  /** SHA-256 of the file. */
  readonly digest: string
  /** Lines with something in them, after the first `done` lines. Holds one batch in memory. */
  batches(size: number, done: number): AsyncGenerator<ExportLine[]>
}

/** @throws {UsageError} when the file cannot be read */
export async function openExport(file: string): Promise<UserExport> {
  let isGzip: boolean
  const hash = createHash('sha256')
  try {
    const handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    await handle.close()
    isGzip = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
    for await (const chunk of createReadStream(file)) hash.update(chunk)
  } catch {
    throw new UsageError(`--auth0-export: cannot read ${file}`)
  }
  return { digest: hash.digest('hex'), batches: (size, done) => batches(file, isGzip, size, done) }
}

async function* batches(file: string, isGzip: boolean, size: number, done: number): AsyncGenerator<ExportLine[]> {
  let batch: ExportLine[] = []
  let number = 0
  for await (const line of lines(file, isGzip)) {
    number += 1
    if (number <= done || line.trim() === '') continue
    batch.push({ number, value: parse(number === 1 ? line.replace(/^\uFEFF/, '') : line) })
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** @throws {CommandError} when the file is damaged, or a line is longer than any user */
async function* lines(file: string, isGzip: boolean): AsyncGenerator<string> {
  const chunks = isGzip ? pipeline(createReadStream(file), createGunzip(), () => {}) : createReadStream(file)
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of chunks) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      if (rest.length > longestLine) throw new CommandError(`${file} is no export with one JSON object a line`)
      yield* parts
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} is damaged or incomplete; download it again`)
  }
  if (rest !== '') yield rest
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
