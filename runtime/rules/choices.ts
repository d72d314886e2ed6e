/**
 * What is implemented where the service's documents contradict each other or are silent (spec: rules 3 to 6). Each
 * choice is the one that grants less, unless the text says otherwise.
 */
export const choices = {
  /**
   * An absent `insert`, `delete` or `search`: the role table says true, the flowcharts send it to "denied". Exports
   * from the UI always write the keys; the table is followed.
   */
  absentPermission: true,

  /** An absent key inside a present `document_filters`: true by the table, false by the flowchart. */
  absentDocumentFilter: true,

  /**
   * A delete needs `delete` and write permission on the whole document, as the table says; the flowchart asks for
   * `delete` alone, so that `{"delete": true}` without any `write` would delete.
   */
  deleteNeedsWrite: true,

  /**
   * `document_filters.write` must hold before and after an update. Before alone lets a caller push a document out of
   * its own reach, after alone lets anyone take a document over by rewriting what the filter tests.
   */
  documentFilterOnBothImages: true,

  /** Whether `_id` is returned when another field is: the original may have done so; field rules are followed strictly. */
  keepIdBesideReadableField: false,

  /** A collection with filters or a schema but no role of its own uses the default roles, and its own filters too. */
  filtersWithoutRolesApply: true,

  /**
   * A query, sort or count sees only what its caller may read: a document matches through readable fields alone, else
   * the value of a hidden field could be asked for bit by bit. `_id` is exempt, callers name documents by it.
   */
  queriesSeeReadableFieldsOnly: true,

  /** Null in a required field is refused, whatever its type allows. */
  requiredFieldsNeverNull: true,
} as const
