import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { EJSON, Int32, ObjectId } from 'bson'
import { type Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CommandError } from '../../../cli/command.ts'
import { archiveEvents } from '../../../cli/events/archive.ts'
import { startTestDatabase, type TestDatabase } from '../../support/database.ts'

const day = 86_400_000
const first = Date.UTC(2024, 0, 1)
const before = first + 5 * day

let server: TestDatabase
let client: MongoClient
let db: Db
let directory: string

beforeAll(async () => {
  server = await startTestDatabase()
  client = new MongoClient(server.uri)
  db = client.db('events_archive_test')
})

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'archive-'))
  await db.collection('analytics_events').deleteMany({})
  await db.collection('kpi_snapshots').deleteMany({})
  await db.collection('analytics_events').insertMany(
    [0, 0, 2, 3, 9].map((offset, index) => ({
      _id: new ObjectId(`${index}`.padStart(24, '0')),
      event_type: 'login',
      n: new Int32(index),
      timestamp: new Date(first + offset * day + index),
    })),
  )
  await db
    .collection('kpi_snapshots')
    .insertMany([0, 2].map((offset) => ({ snapshot_date: new Date(first + (offset + 30) * day), final: true })))
  return () => rm(directory, { recursive: true, force: true })
})

afterAll(async () => {
  await db.dropDatabase()
  await client.close()
  await server.close()
})

const archive = () => archiveEvents(db, before, directory, () => {})
const linesOf = async (file: string): Promise<string[]> =>
  gunzipSync(await readFile(path.join(directory, file)))
    .toString()
    .trimEnd()
    .split('\n')

describe('a folder that cannot be written', () => {
  it.each([
    ['below /proc', () => '/proc/x/y', 'name a folder that may be created'],
    ['/proc itself', () => '/proc', 'name a folder that may be created'],
    ['a file', () => path.join(directory, 'file'), 'it is a file'],
    ['below a file', () => path.join(directory, 'file', 'x'), 'part of the path is a file'],
    ['a name too long', () => path.join(directory, 'x'.repeat(300)), 'its name is too long'],
  ])('is refused with the reason: %s', async (_name, folder, reason) => {
    await writeFile(path.join(directory, 'file'), '')
    await expect(archiveEvents(db, before, folder(), () => {})).rejects.toThrow(
      new CommandError(`cannot write to ${folder()}: ${reason}`),
    )
  })

  it.skipIf(process.platform !== 'linux')('ends with the reason when the disk is full', async () => {
    const unfinished = path.join(directory, 'analytics_events-2024-01-01.jsonl.gz.unfinished')
    await symlink('/dev/full', unfinished)
    await expect(archive()).rejects.toThrow(new CommandError(`cannot write to ${directory}: the disk is full`))
    expect(await readdir(directory)).toEqual([])
  })

  it.skipIf(process.getuid?.() === 0)('ends with the reason when it is read-only', async () => {
    await chmod(directory, 0o500)
    await expect(archive()).rejects.toThrow(new CommandError(`cannot write to ${directory}: permission denied`))
  })

  it('keeps a manifest that cannot be read', async () => {
    await mkdir(path.join(directory, 'manifest.json'))
    await expect(archive()).rejects.toThrow(
      new CommandError(`cannot write to ${directory}: a folder stands where a file belongs`),
    )
  })
})

describe('an archive of events', () => {
  it('holds each final day in canonical EJSON, with count and digest', async () => {
    const report = await archive()
    expect(report).toMatchObject({
      archived: [
        { day: '2024-01-01', file: 'analytics_events-2024-01-01.jsonl.gz', events: 2 },
        { day: '2024-01-03', file: 'analytics_events-2024-01-03.jsonl.gz', events: 1 },
      ],
      kept: 0,
      open: ['2024-01-04'],
    })
    expect(JSON.parse(await readFile(path.join(directory, 'manifest.json'), 'utf8'))).toEqual({
      collection: 'analytics_events',
      days: report.archived,
    })
    const lines = await linesOf('analytics_events-2024-01-01.jsonl.gz')
    expect(lines.map((line) => EJSON.parse(line))).toMatchObject([{ event_type: 'login', n: 0 }, { n: 1 }])
    expect(lines[1]).toContain('{"$numberInt":"1"}')
    expect(await db.collection('analytics_events').countDocuments()).toBe(5)
  })

  it('goes on where a stopped run was, and writes again what changed or broke', async () => {
    await archive()
    expect(await archive()).toMatchObject({ archived: [], kept: 2 })
    await writeFile(path.join(directory, 'analytics_events-2024-01-03.jsonl.gz'), 'broken')
    await rm(path.join(directory, 'analytics_events-2024-01-01.jsonl.gz'))
    expect(await archive()).toMatchObject({ archived: [{ day: '2024-01-01' }, { day: '2024-01-03' }], kept: 0 })
    await db.collection('analytics_events').insertOne({ event_type: 'late', timestamp: new Date(first + 9) })
    expect(await archive()).toMatchObject({ archived: [{ day: '2024-01-01', events: 3 }], kept: 1 })
    expect((await readdir(directory)).filter((name) => name.endsWith('.unfinished'))).toEqual([])
  })

  it('keeps what has expired since', async () => {
    await archive()
    await db.collection('analytics_events').deleteMany({ timestamp: { $lt: new Date(first + 1) } })
    expect(await archive()).toMatchObject({ archived: [], kept: 2 })
    expect(await linesOf('analytics_events-2024-01-01.jsonl.gz')).toHaveLength(2)
    const late = [1, 2, 3].map((ms) => ({ event_type: 'late', timestamp: new Date(first + ms + 9) }))
    await db.collection('analytics_events').insertMany(late)
    expect(await archive()).toMatchObject({ archived: [{ day: '2024-01-01', events: 5 }], kept: 1, damaged: [] })
    const types = (await linesOf('analytics_events-2024-01-01.jsonl.gz')).map((line) => EJSON.parse(line).event_type)
    expect(types).toEqual(['login', 'login', 'late', 'late', 'late'])
  })

  it('never replaces a damaged file by fewer events than it held, and names its day', async () => {
    await archive()
    const file = path.join(directory, 'analytics_events-2024-01-01.jsonl.gz')
    const [sound, manifest] = [await readFile(file), await readFile(path.join(directory, 'manifest.json'), 'utf8')]
    await writeFile(file, 'broken')
    await db.collection('analytics_events').deleteOne({ timestamp: new Date(first) })
    expect(await archive()).toMatchObject({ archived: [], kept: 1, damaged: ['2024-01-01'] })
    await db.collection('analytics_events').deleteMany({ timestamp: { $lt: new Date(first + day) } })
    expect(await archive()).toMatchObject({ archived: [], kept: 1, damaged: ['2024-01-01'] })
    expect(await readFile(path.join(directory, 'manifest.json'), 'utf8')).toBe(manifest)
    await writeFile(file, sound)
    expect(await archive()).toMatchObject({ archived: [], kept: 2, damaged: [] })
  })

  it('refuses a folder whose manifest is none, and one it cannot write', async () => {
    await writeFile(path.join(directory, 'manifest.json'), '{"days":[{}]}')
    await expect(archive()).rejects.toThrow('is no manifest of an archive; move it away')
    const file = path.join(directory, 'manifest.json', 'below-a-file')
    await expect(archiveEvents(db, before, file, () => {})).rejects.toThrow('cannot write to')
  })
})
