/** The driver leaves the option out when it is false (NODE-6484), whatever the server. */
const BYPASS_FALSE = 'the driver sends bypassDocumentValidation only when it is true (NODE-6484)'

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
  'transactions/client-bulkWrite: client bulkWrite with writeConcern in a transaction causes a transaction error':
    'the driver does not check this (its own suite skips the test, NODE-5924)',
  'transactions/run-command: run command with secondary read preference in client option and primary read preference in transaction options':
    'to connect, the driver selects a server by the read preference of the client, and a one-node set has no secondary',
}

const NULL_ID = 'the driver makes an _id where null is given (NODE-6468)'
const PARTIAL_RESULT = 'the driver sets partialResult also when nothing was written (NODE-6384)'

/**
 * By description alone: tests that the official driver's own suite leaves out because the driver cannot pass them on
 * any server. We have not met their files; a test that passes after all is counted as passed.
 */
export const DRIVER_GAPS: Readonly<Record<string, string>> = {
  'inserting _id with type null via insertOne': NULL_ID,
  'inserting _id with type null via insertMany': NULL_ID,
  'inserting _id with type null via bulkWrite': NULL_ID,
  'inserting _id with type null via clientBulkWrite': NULL_ID,
  'partialResult is unset when all operations fail during an unordered bulk write': PARTIAL_RESULT,
  'partialResult is unset when first operation fails during an ordered bulk write (summary)': PARTIAL_RESULT,
  'partialResult is unset when first operation fails during an ordered bulk write (verbose)': PARTIAL_RESULT,
}

/** Why a failure of the test (`folder/file: description`) was to be expected; undefined when it was not. */
export function knownException(name: string): string | undefined {
  return KNOWN_EXCEPTIONS[name] ?? DRIVER_GAPS[name.slice(name.indexOf(': ') + 2)]
}
