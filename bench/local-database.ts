import { measureLarge } from './local-database/large.ts'
import { measureLookup } from './local-database/lookup.ts'
import { measureStart } from './local-database/start.ts'

/** How fast the local database starts and finds one document, and what many documents cost. */
export async function run(): Promise<boolean> {
  const met = [await measureStart(), await measureLookup(), await measureLarge()]
  return met.every(Boolean)
}
