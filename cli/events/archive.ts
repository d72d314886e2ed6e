import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { EJSON } from 'bson'
import type { Collection, Db } from 'mongodb'
import { dayMs, dayName, type Instant, startOfDay } from '../../domain/instant.ts'
import { CommandError } from '../command.ts'

/** One day in the archive's `manifest.json`. */
export interface ArchivedDay {
  readonly day: string
  readonly file: string
  readonly events: number
  /** SHA-256 of the uncompressed lines, hexadecimal. */
  readonly sha256: string
  readonly bytes: number
}

export interface ArchiveReport {
  readonly archived: ArchivedDay[]
  /** Days that the archive held already, unchanged. */
  readonly kept: number
  /** Days left out because a snapshot that reads them is not final yet, or missing. */
  readonly open: string[]
}

/** Days after which no snapshot reads a day: the window of `mau`. */
const readDays = 30
const manifestName = 'manifest.json'

/**
 * Copies the raw events of every final day before `before` into `directory`: one gzip file of canonical EJSON lines a
 * day, named in `manifest.json` with count and digest, and read back before it counts. Deletes nothing. A stopped run
 * goes on where it was; a day that got events since is written again.
 *
 * @throws {CommandError} when the folder cannot be written, its manifest is broken, or a file does not read back
 */
export async function archiveEvents(
  db: Db,
  before: Instant,
  directory: string,
  progress: (text: string) => void,
): Promise<ArchiveReport> {
  await mkdir(directory, { recursive: true }).catch(() => {
    throw new CommandError(`cannot write to ${directory}: name a folder that may be created`)
  })
  const manifest = await readManifest(directory)
  const events = db.collection('analytics_events')
  const archived: ArchivedDay[] = []
  const open: string[] = []
  let kept = 0
  for (const day of await daysWithEvents(events, before)) {
    if (!(await isFinal(db, day))) {
      open.push(dayName(day))
      continue
    }
    const known = manifest.get(dayName(day))
    const range = { timestamp: { $gte: new Date(day), $lt: new Date(day + dayMs) } }
    if (known !== undefined && (await isComplete(directory, known, await events.countDocuments(range)))) {
      kept += 1
      continue
    }
    const entry = await writeDay(events, range, dayName(day), directory)
    manifest.set(entry.day, entry)
    await writeManifest(directory, manifest)
    archived.push(entry)
    progress(`${entry.day}  ${entry.events} events  ${entry.file}`)
  }
  return { archived, kept, open }
}

/** Days before `before` that hold events, found by jumping from day to day along the index. */
async function daysWithEvents(events: Collection, before: Instant): Promise<Instant[]> {
  const days: Instant[] = []
  let from = new Date(-8.64e15)
  for (;;) {
    const [next] = await events
      .find({ timestamp: { $gte: from, $lt: new Date(before) } }, { projection: { _id: 0, timestamp: 1 } })
      .sort({ timestamp: 1 })
      .limit(1)
      .toArray()
    if (!(next?.timestamp instanceof Date)) return days
    const day = startOfDay(next.timestamp.getTime())
    days.push(day)
    from = new Date(day + dayMs)
  }
}

/** True when the last snapshot that reads the day is final. */
async function isFinal(db: Db, day: Instant): Promise<boolean> {
  const last = { snapshot_date: new Date(day + readDays * dayMs), final: true }
  return (await db.collection('kpi_snapshots').findOne(last, { projection: { _id: 1 } })) !== null
}

async function isComplete(directory: string, entry: ArchivedDay, eventsNow: number): Promise<boolean> {
  // Fewer now: they expired, and the archive is what remains of them.
  if (eventsNow > entry.events) return false
  const digest = await digestOf(path.join(directory, entry.file)).catch(() => null)
  return digest !== null && digest.sha256 === entry.sha256 && digest.lines === entry.events
}

async function writeDay(events: Collection, range: object, day: string, directory: string): Promise<ArchivedDay> {
  const file = `analytics_events-${day}.jsonl.gz`
  const target = path.join(directory, file)
  const unfinished = `${target}.unfinished`
  const hash = createHash('sha256')
  let count = 0
  async function* lines(): AsyncGenerator<string> {
    const cursor = events.find(range, { promoteValues: false }).sort({ timestamp: 1, _id: 1 })
    for await (const event of cursor) {
      const line = `${EJSON.stringify(event, { relaxed: false })}\n`
      hash.update(line)
      count += 1
      yield line
    }
  }
  await pipeline(Readable.from(lines()), createGzip(), createWriteStream(unfinished))
  const sha256 = hash.digest('hex')
  const written = await digestOf(unfinished)
  if (written.sha256 !== sha256 || written.lines !== count) {
    await rm(unfinished, { force: true })
    throw new CommandError(`${file} does not read back as written; is the disk full?`)
  }
  await rename(unfinished, target)
  return { day, file, events: count, sha256, bytes: (await stat(target)).size }
}

async function digestOf(file: string): Promise<{ sha256: string; lines: number }> {
  const hash = createHash('sha256')
  let lines = 0
  await pipeline(createReadStream(file), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk)
      for (const byte of chunk) if (byte === 10) lines += 1
    }
  })
  return { sha256: hash.digest('hex'), lines }
}

function isArchivedDay(value: unknown): value is ArchivedDay {
  if (typeof value !== 'object' || value === null) return false
  const { day, file, events, sha256 }: Partial<Record<keyof ArchivedDay, unknown>> = value
  return typeof day === 'string' && typeof file === 'string' && typeof events === 'number' && typeof sha256 === 'string'
}

async function readManifest(directory: string): Promise<Map<string, ArchivedDay>> {
  const text = await readFile(path.join(directory, manifestName), 'utf8').catch(() => null)
  if (text === null) return new Map()
  let days: unknown
  try {
    days = Object(JSON.parse(text)).days
  } catch {
    days = undefined
  }
  if (!Array.isArray(days) || !days.every(isArchivedDay))
    throw new CommandError(`${path.join(directory, manifestName)} is no manifest of an archive; move it away`)
  return new Map(days.map((entry) => [entry.day, entry]))
}

async function writeManifest(directory: string, manifest: ReadonlyMap<string, ArchivedDay>): Promise<void> {
  const days = [...manifest.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
  const unfinished = path.join(directory, `${manifestName}.unfinished`)
  await writeFile(unfinished, `${JSON.stringify({ collection: 'analytics_events', days }, null, 2)}\n`)
  await rename(unfinished, path.join(directory, manifestName))
}
