/** The driver leaves the option out when it is false (NODE-6484), whatever the server. */
const BYPASS_FALSE = 'the driver sends bypassDocumentValidation only when it is true (NODE-6484)'

/** The driver makes an `_id` where the document's is null (NODE-6468), whatever the server. */
const NULL_ID = 'the driver replaces an _id of null (its own suite skips the test, NODE-6468)'
const PARTIAL_RESULT = 'the driver counts nothing as a partial result (its own suite skips the test, NODE-6384)'
const TIME_SERIES = 'the local database refuses time series collections by name'
const NO_SECONDARY =
  'to connect, the driver selects a server by the read preference of the client, and a one-node set has no secondary'
/** What the driver sent is changed after it was announced (NODE-5924). */
const CHANGED_READ_CONCERN =
  'the driver changes a read concern after it announced it (its own suite skips it, NODE-5924)'

/**
 * Tests that fail for a reason we know and do not mend: `folder/file: description` to the reason. They still run and
 * count as failed; only they do not make the runner exit with 1.
 */
export const KNOWN_EXCEPTIONS: Readonly<Record<string, string>> = {
  'crud/bypassDocumentValidation: Aggregate with $out passes bypassDocumentValidation: false': BYPASS_FALSE,
  'crud/bypassDocumentValidation: BulkWrite passes bypassDocumentValidation: false': BYPASS_FALSE,
  'crud/bypassDocumentValidation: FindOneAndReplace passes bypassDocumentValidation: false': BYPASS_FALSE,
  'crud/bypassDocumentValidation: FindOneAndUpdate passes bypassDocumentValidation: false': BYPASS_FALSE,
  'crud/bypassDocumentValidation: InsertMany passes bypassDocumentValidation: false': BYPASS_FALSE,
  'crud/client-bulkWrite-partialResults: partialResult is unset when all operations fail during an unordered bulk write':
    PARTIAL_RESULT,
  'crud/client-bulkWrite-partialResults: partialResult is unset when first operation fails during an ordered bulk write (summary)':
    PARTIAL_RESULT,
  'crud/client-bulkWrite-partialResults: partialResult is unset when first operation fails during an ordered bulk write (verbose)':
    PARTIAL_RESULT,
  'crud/create-null-ids: inserting _id with type null via bulkWrite': NULL_ID,
  'crud/create-null-ids: inserting _id with type null via clientBulkWrite': NULL_ID,
  'crud/create-null-ids: inserting _id with type null via insertMany': NULL_ID,
  'crud/create-null-ids: inserting _id with type null via insertOne': NULL_ID,
  'collection-management/timeseries-collection: createCollection with all options': TIME_SERIES,
  'collection-management/timeseries-collection: createCollection with bucketing options': TIME_SERIES,
  'collection-management/timeseries-collection: insertMany with duplicate ids': TIME_SERIES,
  'transactions/client-bulkWrite: client bulkWrite with writeConcern in a transaction causes a transaction error':
    'the driver does not check this (its own suite skips the test, NODE-5924)',
  'transactions/run-command: run command with secondary read preference in client option and primary read preference in transaction options':
    NO_SECONDARY,
  'transactions/transaction-options: readPreference inherited from client': NO_SECONDARY,
  'transactions/transaction-options: transaction options inherited from client': CHANGED_READ_CONCERN,
  'versioned-api/test-commands-strict-mode: Running a command that is not part of the versioned API results in an error':
    'the local database has none of the commands that MongoDB compiles in for its own tests',
}

/** Why a failure of the test (`folder/file: description`) was to be expected; undefined when it was not. */
export function knownException(name: string): string | undefined {
  return KNOWN_EXCEPTIONS[name]
}
