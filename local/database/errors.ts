import type { Doc } from './bson/value.ts'

/**
 * MongoDB's named error codes that this server answers with. A code without a name is called `Location<code>`.
 *
 * @see https://github.com/mongodb/mongo/blob/v8.0/src/mongo/base/error_codes.yml
 */
export const ERROR_CODE_NAMES: Readonly<Record<number, string>> = {
  1: 'InternalError',
  2: 'BadValue',
  4: 'NoSuchKey',
  5: 'GraphContainsCycle',
  6: 'HostUnreachable',
  7: 'HostNotFound',
  8: 'UnknownError',
  9: 'FailedToParse',
  10: 'CannotMutateObject',
  11: 'UserNotFound',
  13: 'Unauthorized',
  14: 'TypeMismatch',
  15: 'Overflow',
  16: 'InvalidLength',
  17: 'ProtocolError',
  18: 'AuthenticationFailed',
  19: 'CannotReuseObject',
  20: 'IllegalOperation',
  22: 'InvalidBSON',
  24: 'LockTimeout',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  30: 'InvalidPath',
  31: 'RoleNotFound',
  34: 'CannotBackfillArray',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  47: 'NoMatchingDocument',
  48: 'NamespaceExists',
  50: 'MaxTimeMSExpired',
  52: 'DollarPrefixedFieldName',
  53: 'InvalidIdField',
  54: 'NotSingleValueField',
  55: 'InvalidDBRef',
  56: 'EmptyFieldName',
  57: 'DottedFieldName',
  59: 'CommandNotFound',
  61: 'ShardKeyNotFound',
  62: 'OplogOperationUnsupported',
  64: 'WriteConcernTimeout',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  68: 'IndexAlreadyExists',
  70: 'ShardNotFound',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  74: 'NodeNotFound',
  76: 'NoReplicationEnabled',
  79: 'UnknownReplWriteConcern',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  89: 'NetworkTimeout',
  91: 'ShutdownInProgress',
  95: 'NotSecondary',
  96: 'OperationFailed',
  100: 'UnsatisfiableWriteConcern',
  112: 'WriteConflict',
  115: 'CommandNotSupported',
  116: 'DocTooLargeForCapped',
  117: 'ConflictingOperationInProgress',
  121: 'DocumentValidationFailure',
  123: 'NotAReplicaSet',
  125: 'CommandFailed',
  133: 'FailedToSatisfyReadPreference',
  134: 'ReadConcernMajorityNotAvailableYet',
  136: 'CappedPositionLost',
  143: 'CursorInUse',
  146: 'ExceededMemoryLimit',
  150: 'StaleEpoch',
  159: 'DurationOverflow',
  165: 'ViewDepthLimitExceeded',
  166: 'CommandNotSupportedOnView',
  167: 'OptionNotSupportedOnView',
  168: 'InvalidPipelineOperator',
  171: 'CannotIndexParallelArrays',
  175: 'QueryPlanKilled',
  181: 'AmbiguousIndexKeyPattern',
  182: 'InvalidViewDefinition',
  187: 'LinearizableReadConcernError',
  189: 'PrimarySteppedDown',
  192: 'FailPointEnabled',
  197: 'InvalidIndexSpecificationOption',
  202: 'NetworkInterfaceExceededTimeLimit',
  206: 'NoSuchSession',
  207: 'InvalidUUID',
  209: 'StaleClusterTime',
  211: 'KeyNotFound',
  213: 'DuplicateSession',
  215: 'DatabaseDropPending',
  217: 'IncompleteTransactionHistory',
  222: 'CloseChangeStream',
  224: 'QueryFeatureNotAllowed',
  225: 'TransactionTooOld',
  228: 'SessionTransferIncomplete',
  234: 'RetryChangeStream',
  235: 'InternalErrorNotSupported',
  237: 'CursorKilled',
  238: 'NotImplemented',
  239: 'SnapshotTooOld',
  241: 'ConversionFailure',
  242: 'CannotCreateCollection',
  246: 'SnapshotUnavailable',
  250: 'StaleChunkHistory',
  251: 'NoSuchTransaction',
  256: 'TransactionCommitted',
  257: 'TransactionTooLarge',
  260: 'InvalidResumeToken',
  261: 'TooManyLogicalSessions',
  262: 'ExceededTimeLimit',
  263: 'OperationNotSupportedInTransaction',
  267: 'PreparedTransactionInProgress',
  272: 'MigrationConflict',
  279: 'ClientDisconnect',
  280: 'ChangeStreamFatalError',
  281: 'TransactionCoordinatorSteppingDown',
  282: 'TransactionCoordinatorReachedAbortDecision',
  285: 'IndexBuildAlreadyInProgress',
  286: 'ChangeStreamHistoryLost',
  290: 'TransactionExceededLifetimeLimitSeconds',
  291: 'NoQueryExecutionPlans',
  292: 'QueryExceededMemoryLimitNoDiskUseAllowed',
  322: 'APIVersionError',
  323: 'APIStrictError',
  324: 'APIDeprecationError',
  346: 'ChangeStreamInvalidated',
  348: 'ChangeStreamTopologyChange',
  351: 'ChangeStreamStartAfterInvalidate',
  352: 'UnsupportedOpQueryCommand',
  355: 'InterruptedDueToStorageChange',
  359: 'CannotConvertIndexToUnique',
  361: 'CollectionUUIDMismatch',
  365: 'TemporarilyUnavailable',
  376: 'ChangeStreamNotEnabled',
  391: 'ReauthenticationRequired',
  402: 'ResourceExhausted',
  462: 'IngressRequestRateLimitExceeded',
  9001: 'SocketException',
  10003: 'CannotGrowDocumentInCappedNamespace',
  10058: 'LegacyNotPrimary',
  10107: 'NotWritablePrimary',
  10334: 'BSONObjectTooLarge',
  11000: 'DuplicateKey',
  11600: 'InterruptedAtShutdown',
  11601: 'Interrupted',
  11602: 'InterruptedDueToReplStateChange',
  13113: 'MergeStageNoMatchingDocument',
  13297: 'DatabaseDifferCase',
  13388: 'StaleConfig',
  13435: 'NotPrimaryNoSecondaryOk',
  13436: 'NotPrimaryOrSecondary',
  31082: 'SearchNotEnabled',
  40413: 'IDLDuplicateField',
  40414: 'IDLFailedToParse',
  40415: 'IDLUnknownField',
  46841: 'ClientMarkedKilled',
  50768: 'NotARetryableWriteCommand',
}

/** What a command answers when it fails: `{ ok: 0, errmsg, code, codeName, errorLabels?, ...extra }`. */
export class DatabaseError extends Error {
  readonly code: number
  readonly codeName: string
  /** For example `TransientTransactionError`. */
  labels?: string[]
  /** Further fields of the reply, such as `keyPattern`, `keyValue` and `errInfo`. */
  extra?: Doc

  constructor(code: number, message: string, more: { labels?: string[]; extra?: Doc } = {}) {
    super(message)
    this.name = 'DatabaseError'
    this.code = code
    this.codeName = ERROR_CODE_NAMES[code] ?? `Location${code}`
    if (more.labels) this.labels = more.labels
    if (more.extra) this.extra = more.extra
  }

  /** The same error, said to be the cause of what failed around it, in MongoDB's form. */
  within(context: string): DatabaseError {
    return new DatabaseError(this.code, `${context} :: caused by :: ${this.message}`, {
      ...(this.labels ? { labels: this.labels } : {}),
      ...(this.extra ? { extra: this.extra } : {}),
    })
  }
}

/** An error of a constant expression, which MongoDB computes while it optimises: after parsing, before any document. */
export class ConstantError extends DatabaseError {}

/** Runs `work`; a `DatabaseError` comes out as the cause of `context`. */
export function inContext<Result>(context: string | undefined, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw context !== undefined && error instanceof DatabaseError ? error.within(context) : error
  }
}
