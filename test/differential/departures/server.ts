import { type Departure, serverFails } from './departure.ts'

/** Refusals that name something DocumentDB does not have or does not do. */
const NOT_IMPLEMENTED = [59, 115, 238, 40324]

/** What DocumentDB 1.0 does not have, and its errors that name no rule of the query language. */
export const SERVER_DEPARTURES: readonly Departure[] = [
  {
    name: 'not implemented',
    reason: 'DocumentDB refuses by name what it does not have; MongoDB has it',
    matches: ({ difference, server }) =>
      serverFails(difference) &&
      server?.error !== undefined &&
      (NOT_IMPLEMENTED.includes(server.error.code) ||
        /not (yet |currently )?(supported|implemented)/i.test(server.error.message)),
  },
  {
    name: 'an internal error',
    reason: 'An internal error of DocumentDB, which names no rule of the query language',
    matches: ({ difference, server }) =>
      serverFails(difference) &&
      /Should not have empty document|Unrecognized BSON data type code/.test(server?.error?.message ?? ''),
  },
]
