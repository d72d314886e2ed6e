import { biDatabase } from '../../schemas/database/collections.ts'
import type { Kpis } from './open.ts'

type Command = Readonly<Record<string, unknown>>

const notExplained = ['lsid', '$clusterTime', '$db', 'txnNumber', '$readPreference']

/** Documents that the reads of `work` examine, by the server's own explain; null where the server has none. */
export async function documentsExamined(
  { client }: Kpis,
  work: () => Promise<unknown>,
): Promise<{ documents: number; collectionScans: string[] } | null> {
  const reads: { name: string; command: Command }[] = []
  const record = (event: { commandName: string; command: Command }): void => {
    if (['find', 'aggregate', 'count'].includes(event.commandName))
      reads.push({ name: event.commandName, command: event.command })
  }
  client.on('commandStarted', record as never)
  await work()
  client.off('commandStarted', record as never)
  let documents = 0
  const collectionScans: string[] = []
  for (const { name, command } of reads) {
    const plain = Object.fromEntries(Object.entries(command).filter(([key]) => !notExplained.includes(key)))
    // A write stage would write again.
    if (Array.isArray(plain.pipeline)) plain.pipeline = plain.pipeline.filter((stage) => !('$merge' in Object(stage)))
    try {
      const plan = await client.db(biDatabase).command({ explain: plain, verbosity: 'executionStats' })
      const text = JSON.stringify(plan)
      const examined = /"totalDocsExamined":\{?"?(?:\$numberInt"?:"?)?(\d+)/.exec(text)?.[1]
      documents += Number(examined ?? 0)
      if (text.includes('COLLSCAN')) collectionScans.push(`${name} ${String(plain[name])}`)
    } catch {
      return null
    }
  }
  return { documents, collectionScans: [...new Set(collectionScans)] }
}
