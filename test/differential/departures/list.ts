import type { Departure } from './departure.ts'
import { EXPRESSION_DEPARTURES } from './expression.ts'
import { INDEX_DEPARTURES } from './index-build.ts'
import { NUMBER_DEPARTURES } from './number.ts'
import { QUERY_DEPARTURES } from './query.ts'
import { SERVER_DEPARTURES } from './server.ts'
import { STAGE_DEPARTURES } from './stage.ts'
import { UPDATE_DEPARTURES } from './update.ts'

/**
 * Where DocumentDB 1.0 is not MongoDB, as its answers to generated operations show. A row explains a difference when it
 * matches and its proof holds; the first that does is counted.
 */
export const KNOWN_DEPARTURES: readonly Departure[] = [
  ...SERVER_DEPARTURES,
  ...NUMBER_DEPARTURES,
  ...UPDATE_DEPARTURES,
  ...STAGE_DEPARTURES,
  ...EXPRESSION_DEPARTURES,
  ...QUERY_DEPARTURES,
  ...INDEX_DEPARTURES,
]
