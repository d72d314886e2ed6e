import { type KpiConfig, type KpiConfigSource, readKpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf } from './database.ts'
import { toDecimal } from './values.ts'

/** The one document of `kpi_config`, or the defaults. With several, the one with the lowest `_id` decides, and that is a problem. */
export async function readConfig(context: Context): Promise<{ config: KpiConfig; problems: string[] }> {
  const documents = await collectionOf(context, 'kpi_config').find({}).sort({ _id: 1 }).limit(2).toArray()
  const source: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(documents[0] ?? {})) {
    const decimal = toDecimal(value)
    source[name] = decimal === null || decimal === 'invalid' ? value : Number(decimal)
  }
  const { config, problems } = readKpiConfig(source as KpiConfigSource)
  return { config, problems: documents.length > 1 ? [...problems, 'further documents'] : problems }
}
