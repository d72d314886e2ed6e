/** What the server or the driver did is not what the test says. */
export class MismatchError extends Error {
  override readonly name = 'MismatchError'
}

/** The test file itself cannot be run: an unknown operation, an undefined entity. A failure, never a skip. */
export class InvalidTestError extends Error {
  override readonly name = 'InvalidTestError'
}

/** The driver or the runner lacks, by design, what the test uses. The test is skipped under this name. */
export class MissingFeatureError extends Error {
  override readonly name = 'MissingFeatureError'
  readonly feature: string

  constructor(feature: string) {
    super(`missing feature: ${feature}`)
    this.feature = feature
  }
}
