import { type Collation, compareStrings } from '../bson/compare.ts'
import { toDouble } from '../bson/number.ts'
import { type Doc, isNumber } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'

const SENSITIVITY = { 1: 'base', 2: 'accent', 3: 'variant' } as const
const KNOWN_FIELDS = new Set([
  'locale',
  'strength',
  'caseLevel',
  'caseFirst',
  'numericOrdering',
  'alternate',
  'maxVariable',
  'backwards',
  'normalization',
  'version',
])

/**
 * The collation of a `collation` document; `undefined` for the simple one (comparison of bytes).
 *
 * @throws {DatabaseError} 2 BadValue for an unknown locale, 40414 without one, 238 for what `Intl.Collator` cannot do
 */
export function createCollation(spec: Doc | undefined): Collation | undefined {
  if (spec === undefined || spec.size === 0) return undefined
  for (const field of spec.keys()) {
    if (!KNOWN_FIELDS.has(field)) throw new DatabaseError(40415, `BSON field 'collation.${field}' is an unknown field.`)
  }
  const locale = spec.get('locale')
  if (locale === undefined) {
    throw new DatabaseError(40414, "BSON field 'collation.locale' is missing but a required field")
  }
  if (typeof locale !== 'string') {
    throw new DatabaseError(14, "BSON field 'collation.locale' is the wrong type, expected type 'string'")
  }
  if (locale === 'simple') return undefined
  const strengthValue = spec.get('strength')
  const strength = isNumber(strengthValue) ? toDouble(strengthValue) : 3
  if (![1, 2, 3, 4, 5].includes(strength)) {
    throw new DatabaseError(2, `Enumeration value '${strength}' for field 'collation.strength' is not a valid value.`)
  }
  if (strength > 3) throw new DatabaseError(238, 'collation strength above 3 is not supported')
  if (spec.get('backwards') === true) throw new DatabaseError(238, 'collation option backwards is not supported')
  const level = strength as 1 | 2 | 3
  const numeric = spec.get('numericOrdering') === true
  const ignorePunctuation = spec.get('alternate') === 'shifted'
  const caseLevel = spec.get('caseLevel') === true
  const caseFirst = spec.get('caseFirst')
  const collator = createCollator(locale.replaceAll('_', '-'), locale, {
    sensitivity: level === 1 && caseLevel ? 'case' : SENSITIVITY[level],
    numeric,
    ignorePunctuation,
    ...(caseFirst === 'upper' || caseFirst === 'lower' ? { caseFirst } : {}),
  })
  const keepsCase = level === 3 || caseLevel
  const fold = (text: string): string => {
    let folded = text.normalize('NFKD')
    if (level === 1) folded = folded.replace(/\p{M}/gu, '')
    if (!keepsCase) folded = folded.toLowerCase()
    if (numeric) folded = folded.replace(/0+(?=\d)/g, '')
    return ignorePunctuation ? folded.replace(/[\p{P}\p{Z}]/gu, '') : folded
  }
  return {
    compare: (a, b) => (a === b ? 0 : Math.sign(collator.compare(a, b)) || compareStrings(fold(a), fold(b))),
    key: fold,
  }
}

function createCollator(tag: string, locale: string, options: Intl.CollatorOptions): Intl.Collator {
  try {
    return new Intl.Collator(tag, options)
  } catch {
    throw new DatabaseError(2, `Field 'locale' is invalid in: { locale: "${locale}" }`)
  }
}
