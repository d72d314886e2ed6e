import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { EJSON } from 'bson'
import type { Collection, Db, Document } from 'mongodb'
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
  /** Days whose file is missing or does not read back, while the database no longer holds all of their events. */
  readonly damaged: string[]
}

/** Days after which no snapshot reads a day: the window of `mau`. */
const readDays = 30
const manifestName = 'manifest.json'

/**
 * Copies the raw events of every final day before `before` into `directory`: one gzip file of canonical EJSON lines a
 * day, named in `manifest.json` with count and digest, and read back before it counts. Deletes nothing. A stopped run
 * goes on where it was; a day that got events since is written again, and one whose file broke, too. But a file is never
 * replaced by fewer events than it is said to hold: such a day is reported, since a copy elsewhere may be the last.
 *
 * @throws {CommandError} when the folder cannot be written, its manifest is broken, or a file does not read back
 */
export async function archiveEvents(
  db: Db,
  before: Instant,
  directory: string,
  progress: (text: string) => void,
): Promise<ArchiveReport> {
  try {
    await makeFolder(directory)
    return await archiveDays(db, before, directory, progress)
  } catch (error) {
    throw toFolderError(error, directory)
  }
}

async function archiveDays(
  db: Db,
  before: Instant,
  directory: string,
  progress: (text: string) => void,
): Promise<ArchiveReport> {
  const manifest = await readManifest(directory)
  const events = db.collection('analytics_events')
  const archived: ArchivedDay[] = []
  const open: string[] = []
  const damaged: string[] = []
  let kept = 0
  const present = await daysWithEvents(events, before)
  const names = new Set(present.map(dayName))
  for (const entry of manifest.values()) {
    // The events of the others have expired: the file is what remains of them.
    if (names.has(entry.day) || entry.day >= dayName(before)) continue
    if (await readsBack(directory, entry)) kept += 1
    else damaged.push(entry.day)
  }
  for (const day of present) {
    if (!(await isFinal(db, day))) {
      open.push(dayName(day))
      continue
    }
    const known = manifest.get(dayName(day))
    const range = { timestamp: { $gte: new Date(day), $lt: new Date(day + dayMs) } }
    let earlier: ArchivedDay | undefined
    if (known !== undefined) {
      const eventsNow = await events.countDocuments(range)
      const sound = await readsBack(directory, known)
      if (sound && eventsNow <= known.events) {
        kept += 1
        continue
      }
      if (!sound && eventsNow < known.events) {
        damaged.push(known.day)
        continue
      }
      if (sound) earlier = known
      else progress(`${known.day}  ${known.file} is damaged: written again`)
    }
    const entry = await writeDay(events, range, dayName(day), directory, earlier)
    manifest.set(entry.day, entry)
    await writeManifest(directory, manifest)
    archived.push(entry)
    progress(`${entry.day}  ${entry.events} events  ${entry.file}`)
  }
  return { archived, kept, open, damaged: damaged.sort() }
}

/** Makes what is missing of a path. Node's recursive `mkdir` never ends where a folder answers ENOENT, as /proc does. */
async function makeFolder(directory: string): Promise<void> {
  const missing: string[] = []
  for (let at = directory; !(await isPresent(at)); at = path.dirname(at)) missing.unshift(at)
  for (const folder of missing)
    await mkdir(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  if (!(await stat(directory)).isDirectory()) throw new CommandError(`cannot write to ${directory}: it is a file`)
}

async function isPresent(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

const folderErrors: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is read-only',
  ENOENT: 'name a folder that may be created',
  ENOTDIR: 'part of the path is a file',
  EISDIR: 'a folder stands where a file belongs',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk failed',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** What the file system refuses is no fault of this program: the reason is all that helps. */
function toFolderError(error: unknown, directory: string): unknown {
  const reason = folderErrors[codeOf(error)]
  return reason === undefined ? error : new CommandError(`cannot write to ${directory}: ${reason}`)
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

async function readsBack(directory: string, entry: ArchivedDay): Promise<boolean> {
  const digest = await digestOf(path.join(directory, entry.file)).catch(() => null)
  return digest !== null && digest.sha256 === entry.sha256 && digest.lines === entry.events
}

async function writeDay(
  events: Collection,
  range: object,
  day: string,
  directory: string,
  earlier: ArchivedDay | undefined,
): Promise<ArchivedDay> {
  const file = `analytics_events-${day}.jsonl.gz`
  const target = path.join(directory, file)
  const unfinished = `${target}.unfinished`
  const hash = createHash('sha256')
  let count = 0
  const counted = (line: string): string => {
    hash.update(line)
    count += 1
    return line
  }
  async function* lines(): AsyncGenerator<string> {
    const cursor = events.find(range, { promoteValues: false }).sort({ timestamp: 1, _id: 1 })
    if (earlier !== undefined)
      for await (const line of expiredLines(events, range, path.join(directory, earlier.file))) yield counted(line)
    for await (const event of cursor) yield counted(`${EJSON.stringify(event, { relaxed: false })}\n`)
  }
  try {
    await pipeline(Readable.from(lines()), createGzip(), createWriteStream(unfinished))
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  const sha256 = hash.digest('hex')
  const written = await digestOf(unfinished)
  if (written.sha256 !== sha256 || written.lines !== count) {
    await rm(unfinished, { force: true })
    throw new CommandError(`${file} does not read back as written; is the disk full?`)
  }
  await rename(unfinished, target)
  return { day, file, events: count, sha256, bytes: (await stat(target)).size }
}

/** Lines of an archived day whose events the database no longer holds: writing it again must not lose them. */
async function* expiredLines(events: Collection, range: object, file: string): AsyncGenerator<string> {
  const idOf = ({ _id }: Document): string => EJSON.stringify(_id, { relaxed: false })
  const present = new Set<string>()
  for await (const event of events.find(range, { projection: { _id: 1 }, promoteValues: false }))
    present.add(idOf(event))
  const lines = createInterface({
    input: createReadStream(file).pipe(createGunzip()),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  for await (const line of lines) if (!present.has(idOf(EJSON.parse(line, { relaxed: false })))) yield `${line}\n`
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
  const text = await readFile(path.join(directory, manifestName), 'utf8').catch((error: unknown) => {
    // One that is there and cannot be read must not be replaced by a new one.
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
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
