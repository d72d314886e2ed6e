/** `error`: something will not run. `warning`: it runs, differently than its author may think. `info`: good to know. */
export type Severity = 'error' | 'warning' | 'info'

/** One thing to know about an app folder, with the way to mend it. */
export interface Finding {
  readonly severity: Severity
  /** Stable name of the kind of finding, such as `function-file-missing`. */
  readonly code: string
  /** Path inside the app folder, with `/`. */
  readonly file: string
  /** 1-based. */
  readonly line?: number
  /** The function, trigger, endpoint, ... concerned. */
  readonly subject?: string
  readonly message: string
  readonly mend: string
}

/** Collects findings while a folder is read; nothing in a folder is worth stopping for. */
export class Findings {
  readonly list: Finding[] = []

  add(severity: Severity, code: string, finding: Omit<Finding, 'severity' | 'code'>): void {
    this.list.push({ severity, code, ...finding })
  }
}
