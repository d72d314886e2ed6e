import { ARITHMETIC } from './arithmetic.ts'
import { ARRAY } from './array.ts'
import { BITS } from './bits.ts'
import { COMPARISON } from './comparison.ts'
import { CONTROL } from './control.ts'
import { CONVERT } from './convert.ts'
import { DATE } from './date.ts'
import { OBJECT } from './object.ts'
import { REGEX } from './regex.ts'
import type { CompileOperator } from './scope.ts'
import { SET } from './set.ts'
import { TEXT } from './text.ts'
import { TOTALS } from './totals.ts'
import { TRIGONOMETRY } from './trigonometry.ts'

const FAMILIES = [
  ARITHMETIC,
  ARRAY,
  BITS,
  COMPARISON,
  CONTROL,
  CONVERT,
  DATE,
  OBJECT,
  REGEX,
  SET,
  TEXT,
  TOTALS,
  TRIGONOMETRY,
]

/** Every expression operator by name. */
export const OPERATORS: ReadonlyMap<string, CompileOperator> = new Map(
  FAMILIES.flatMap((family) => Object.entries(family)),
)
