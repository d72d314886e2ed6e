import type * as z from 'zod'
import type { Findings, Severity } from './finding.ts'

type Path = readonly PropertyKey[]

export interface ReadItemOptions {
  readonly findings: Findings
  readonly file: string
  /** The item, as a reader would point at it: `role "owner"`. */
  readonly subject: string
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
  const reported = new Set<string>()
  for (let round = 0; round < 8; round++) {
    const parsed = schema.safeParse(current)
    if (parsed.success) return parsed.data
    if (round === 0) current = structuredClone(value)
    let mended = false
    for (const issue of parsed.error.issues) {
      const where = issue.path.map(String).join('.')
      if (!reported.has(where)) {
        reported.add(where)
        const message = issue.message.replace(/^Invalid input: /, '')
        options.findings.add(options.severity ?? 'warning', 'shape', {
          file: options.file,
          subject: options.subject,
          message: `${options.subject}: ${where === '' ? '' : `${where}: `}${message}`,
          mend: where === '' ? 'correct the entry; it is ignored until then' : `correct "${where}"`,
        })
      }
      if (issue.path.length > 0 && amend(current, issue.path, options.repair?.(issue.path))) mended = true
    }
    if (!mended) return undefined
  }
  return undefined
}
