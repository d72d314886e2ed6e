import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'

/** Atlas Search is refused with the server's own words, as by a MongoDB that is not on Atlas. */
function refused(name: string): Command {
  return {
    name,
    run() {
      throw new DatabaseError(
        31082,
        'Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable. For more information on how to connect, see https://dochub.mongodb.org/core/atlas-cli-deploy-local-reqs.',
      )
    },
  }
}

export const searchIndexCommands: readonly Command[] = [
  refused('createSearchIndexes'),
  refused('updateSearchIndex'),
  refused('dropSearchIndex'),
  refused('listSearchIndexes'),
]
