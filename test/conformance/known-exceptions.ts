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

/** Why a failure of the test (`folder/file: description`) was to be expected; undefined when it was not. */
export function knownException(name: string): string | undefined {
  return KNOWN_EXCEPTIONS[name]
}
