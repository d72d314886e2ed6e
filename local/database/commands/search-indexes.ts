import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'

/** Atlas Search, whatever is asked of it: refused with the server's own words, as by a MongoDB that is not on Atlas. */
export const searchIndexes: Command = {
  name: 'createSearchIndexes',
  run() {
    throw new DatabaseError(
      31082,
      'Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable. For more information on how to connect, see https://dochub.mongodb.org/core/atlas-cli-deploy-local-reqs.',
    )
  },
}
