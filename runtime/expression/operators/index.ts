import { and } from './and.ts'
import type { Comparison } from './comparison.ts'
import { eq } from './eq.ts'
import { exists } from './exists.ts'
import { gt } from './gt.ts'
import { gte } from './gte.ts'
import { isIn } from './in.ts'
import type { Logical } from './logical.ts'
import { lt } from './lt.ts'
import { lte } from './lte.ts'
import { ne } from './ne.ts'
import { isNotIn } from './nin.ts'
import { nor } from './nor.ts'
import { not } from './not.ts'
import { oidToString } from './oid-to-string.ts'
import { or } from './or.ts'
import { stringToOid } from './string-to-oid.ts'
import { stringToUuid } from './string-to-uuid.ts'
import { uuidToString } from './uuid-to-string.ts'

export const comparisons: ReadonlyMap<string, Comparison> = new Map([
  ['eq', eq],
  ['ne', ne],
  ['gt', gt],
  ['gte', gte],
  ['lt', lt],
  ['lte', lte],
  ['in', isIn],
  ['nin', isNotIn],
  ['exists', exists],
])

export const logicals: ReadonlyMap<string, Logical> = new Map([
  ['and', and],
  ['or', or],
  ['nor', nor],
  ['not', not],
])

export const conversions: ReadonlyMap<string, (value: unknown) => unknown> = new Map<
  string,
  (value: unknown) => unknown
>([
  ['stringToOid', stringToOid],
  ['oidToString', oidToString],
  ['stringToUuid', stringToUuid],
  ['uuidToString', uuidToString],
])

/** The operator's name without its prefix (`%` or `$`, both are accepted); undefined for anything else. */
export function operatorName(key: string): string | undefined {
  return /^(?:\$|%(?!%))/.test(key) ? key.slice(1) : undefined
}
