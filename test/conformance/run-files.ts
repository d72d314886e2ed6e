import path from 'node:path'
import { MongoClient } from 'mongodb'
import { MissingFeatureError } from './errors.ts'
import type { TestFile, UnifiedTest } from './format.ts'
import { findTestFiles, loadTestFile } from './load.ts'
import { killAllSessions, runTest } from './run-test.ts'
import { readServerFacts, type ServerFacts, unmetRequirement } from './server.ts'

export type Outcome =
  | { readonly name: string; readonly status: 'passed' }
  | { readonly name: string; readonly status: 'failed'; readonly reason: string }
  | { readonly name: string; readonly status: 'skipped'; readonly reason: string }

/**
 * Runs every test of every file under `paths`, one after the other.
 *
 * @param filter runs only tests whose name (`file: description`) contains it
 * @param report is told each outcome as it comes
 */
export async function runFiles(
  paths: readonly string[],
  uri: string,
  report: (outcome: Outcome) => void,
  filter = '',
): Promise<void> {
  const internal = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 })
  try {
    const server = await readServerFacts(internal)
    await killAllSessions(internal)
    for (const name of await findTestFiles(paths)) {
      const label = path.join(path.basename(path.dirname(name)), path.basename(name).replace(/\.[^.]+$/, ''))
      let file: TestFile | undefined
      try {
        file = await loadTestFile(name)
        if (file) await dropDatabases(file, internal)
      } catch (error) {
        // One broken file is one line; the rest of the folder still runs.
        report({ name: label, status: 'failed', reason: error instanceof Error ? error.message : String(error) })
        continue
      }
      if (!file) {
        report({ name: label, status: 'skipped', reason: 'no file of the unified test format (no schemaVersion)' })
        continue
      }
      for (const test of file.tests) {
        const testName = `${label}: ${test.description}`
        if (testName.includes(filter)) report(await outcomeOf(testName, file, test, uri, internal, server))
      }
    }
  } finally {
    await internal.close()
  }
}

async function outcomeOf(
  name: string,
  file: TestFile,
  test: UnifiedTest,
  uri: string,
  internal: MongoClient,
  server: ServerFacts,
): Promise<Outcome> {
  const unmet =
    (test.skipReason === undefined ? undefined : `skipped by its file: ${test.skipReason}`) ??
    unmetRequirement(file.runOnRequirements, server) ??
    unmetRequirement(test.runOnRequirements, server)
  if (unmet !== undefined) return { name, status: 'skipped', reason: unmet }
  try {
    await runTest(file, test, uri, internal)
    return { name, status: 'passed' }
  } catch (error) {
    if (error instanceof MissingFeatureError) return { name, status: 'skipped', reason: error.message }
    return { name, status: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

const SYSTEM_DATABASES: ReadonlySet<string> = new Set(['admin', 'config', 'local'])

/** What one file leaves behind must not reach the next: some tests insert without any initial data of their own. */
async function dropDatabases(file: TestFile, internal: MongoClient): Promise<void> {
  const names = new Set((file.initialData ?? []).map(({ databaseName }) => databaseName))
  for (const { database } of file.createEntities ?? []) if (database) names.add(database.databaseName)
  for (const name of names) if (!SYSTEM_DATABASES.has(name)) await internal.db(name).dropDatabase()
}
