import type * as z from 'zod'
import type { Findings, Severity } from './finding.ts'

type Path = readonly PropertyKey[]

export interface ReadItemOptions {
  readonly findings: Findings
  readonly file: string
  /** The item, as a reader would point at it: `role "owner"`. */
  readonly subject: string
  /** Of an item that cannot be used at all; default `warning`. */
  readonly severity?: Severity
  /**
   * What stands in for the part that does not fit; undefined removes it. Permissions need one that closes, since an
   * absent permission may grant.
   */
  readonly repair?: (path: Path) => unknown
}

/** Replaces, or removes, what is at `path`; false when nothing is there to change. */
function amend(root: unknown, path: Path, replacement: unknown): boolean {
  let parent: unknown = root
  for (const key of path.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return false
    parent = Reflect.get(parent, key)
  }
  const key = path.at(-1)
  if (typeof parent !== 'object' || parent === null || key === undefined) return false
  if (replacement !== undefined) return Reflect.set(parent, key, replacement)
  if (Array.isArray(parent)) {
    parent.splice(Number(key), 1)
    return true
  }
  return Object.hasOwn(parent, key) && Reflect.deleteProperty(parent, key)
}

/**
 * Reads one item of a file by its schema. A part that does not fit is reported and set aside, and the rest still
 * counts: one odd key must not cost an app its rule or trigger.
 *
 * @returns undefined when what is left is still no such item
 */
export function readItem<S extends z.ZodType>(
  schema: S,
  value: unknown,
  options: ReadItemOptions,
): z.output<S> | undefined {
  let current = value
  const problems = new Map<string, { text: string; closed: boolean }>()
  for (let round = 0; round < 8; round++) {
    const parsed = schema.safeParse(current)
    if (parsed.success) {
      for (const [where, { text, closed }] of problems)
        report(
          options,
          closed ? 'error' : 'warning',
          text,
          `correct "${where}"; ${closed ? 'nobody passes' : 'it is ignored'} until then`,
        )
      return parsed.data
    }
    if (round === 0) current = structuredClone(value)
    let mended = false
    for (const issue of parsed.error.issues) {
      const where = issue.path.map(String).join('.')
      const replacement = options.repair?.(issue.path)
      if (!problems.has(where)) {
        const message = issue.message.replace(/^Invalid input: /, '')
        problems.set(where, {
          text: where === '' ? message : `${where}: ${message}`,
          closed: replacement !== undefined,
        })
      }
      if (issue.path.length > 0 && amend(current, issue.path, replacement)) mended = true
    }
    if (!mended) break
  }
  const text = [...problems.values()].map((problem) => problem.text).join('; ')
  report(options, options.severity ?? 'warning', text, 'correct the entry; it is ignored until then')
  return undefined
}

function report(options: ReadItemOptions, severity: Severity, text: string, mend: string): void {
  const { findings, file, subject } = options
  findings.add(severity, 'shape', { file, subject, message: `${subject}: ${text}`, mend })
}
