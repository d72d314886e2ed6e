import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Double, Long, ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withUriOptions } from '../../conformance/entities.ts'
import { fromExtendedJson } from '../../conformance/extended-json.ts'
import { findTestFiles, loadTestFile } from '../../conformance/load.ts'
import { type ServerFacts, unmetRequirement } from '../../conformance/server.ts'

describe('test files', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'unified-'))
    await mkdir(path.join(folder, 'deep'))
    await writeFile(
      path.join(folder, 'a.json'),
      '{"description":"a","schemaVersion":"1.5","tests":[{"description":"t","operations":[]}]}',
    )
    await writeFile(path.join(folder, 'a.yml'), 'twin')
    await writeFile(
      path.join(folder, 'deep', 'b.yml'),
      'description: b\nschemaVersion: "1.0"\ntests:\n  - {description: t, operations: []}\n',
    )
    await writeFile(path.join(folder, 'other.json'), '{"not":"a test"}')
    await writeFile(path.join(folder, 'old.json'), '{"description":"o","schemaVersion":"2.0","tests":[]}')
    await writeFile(path.join(folder, 'README.md'), '')
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('are found in depth, JSON before a YAML twin', async () => {
    const found = await findTestFiles([folder])
    expect(found.map((name) => path.relative(folder, name))).toEqual(['a.json', 'deep/b.yml', 'old.json', 'other.json'])
  })

  it('are read from JSON and YAML; other files are passed over, other schema versions refused', async () => {
    const tests = [{ description: 't', operations: [] }]
    const load = (name: string) => loadTestFile(path.join(folder, name))
    expect(await load('a.json')).toEqual({ description: 'a', schemaVersion: '1.5', tests })
    expect(await load('deep/b.yml')).toEqual({ description: 'b', schemaVersion: '1.0', tests })
    expect(await load('other.json')).toBeUndefined()
    await expect(load('old.json')).rejects.toThrow('schema version 2.0 is not 1.x')
  })

  it('keep plain numbers plain and typed ones typed', () => {
    const oid = '5f0000000000000000000000'
    expect(
      fromExtendedJson({ limit: 5, long: { $numberLong: '5' }, d: [{ $numberDouble: '1.0' }], _id: { $oid: oid } }),
    ).toEqual({ limit: 5, long: Long.fromNumber(5), d: [new Double(1)], _id: new ObjectId(oid) })
    expect(fromExtendedJson({ $ref: 'c', $id: 1 })).toEqual({ $ref: 'c', $id: 1 })
  })
})

describe('requirements', () => {
  const server: ServerFacts = { version: [8, 0, 4], topology: 'replicaset', parameters: { a: 1 }, authenticated: false }
  const cases: [requirements: Parameters<typeof unmetRequirement>[0], reason: string | undefined][] = [
    [undefined, undefined],
    [[{ minServerVersion: '8.0', maxServerVersion: '8.0.99' }], undefined],
    [[{ minServerVersion: '8.0.5' }], 'server version: 8.0.5 or later'],
    [[{ maxServerVersion: '8' }], 'server version: 8 or earlier'],
    [[{ topologies: ['single'] }, { topologies: ['sharded', 'replicaset'] }], undefined],
    [[{ topologies: ['single', 'sharded'] }], 'topology: single or sharded'],
    [[{ topologies: ['sharded'] }, { minServerVersion: '9.0' }], 'server version: 9.0 or later'],
    [[{ auth: true }], 'authentication: required'],
    [[{ csfle: true }], 'missing feature: client-side encryption'],
    [[{ csfle: false, serverless: 'forbid' }], undefined],
    [[{ serverParameters: { a: 1 } }], undefined],
    [[{ serverParameters: { b: 1 } }], 'server parameter: b'],
  ]
  it.each(cases)('%j', (requirements, reason) => {
    expect(unmetRequirement(requirements, server)).toBe(reason)
  })
})

describe('uriOptions', () => {
  it.each([
    ['mongodb://h:1/?replicaSet=rs0', { retryWrites: false }, 'mongodb://h:1/?replicaSet=rs0&retryWrites=false'],
    ['mongodb://h:1/?w=1', { W: 'majority' }, 'mongodb://h:1/?W=majority'],
    ['mongodb://h:1', { appname: 'x' }, 'mongodb://h:1/?appname=x'],
    ['mongodb://h:1/?replicaSet=rs0', { directConnection: true }, 'mongodb://h:1/?directConnection=true'],
    [
      'mongodb://h:1/',
      { readPreferenceTags: ['a:b', ''] },
      'mongodb://h:1/?readPreferenceTags=a%3Ab&readPreferenceTags=',
    ],
  ])('%s with %j', (uri, options, result) => {
    expect(withUriOptions(uri, options)).toBe(result)
  })
})
