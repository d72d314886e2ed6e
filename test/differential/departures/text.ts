import type { Difference } from '../compare.ts'
import { type Described, parseDescribed, printDescribed, rewriteDescribed } from '../described.ts'

type Sides = Pick<Difference, 'local' | 'server'>

/** @returns whether the sides have one structure, and all scalars that differ in it are `allowed` to */
export function differOnlyIn({ local, server }: Sides, allowed: (local: string, server: string) => boolean): boolean {
  const agree = (a: Described | undefined, b: Described | undefined): boolean => {
    if (a === undefined || b === undefined) return false
    if (typeof a === 'string' || typeof b === 'string') {
      return a === b || (typeof a === 'string' && typeof b === 'string' && allowed(a, b))
    }
    const [left, right] = [[...a.entries()], [...b.entries()]]
    return (
      left.length === right.length &&
      left.every(([key, value], index) => key === right[index]?.[0] && agree(value, right[index]?.[1]))
    )
  }
  return agree(parseDescribed(local), parseDescribed(server))
}

/** @returns whether the sides are the same after `change` of their values, the innermost first */
export function sameAfter(sides: Sides, change: (value: Described) => Described | undefined): boolean {
  const changed = (text: string) => printDescribed(parseDescribed(text).map((value) => rewriteDescribed(value, change)))
  return changed(sides.local) === changed(sides.server)
}

/** The value of a described number, of any type; undefined for what is none. */
export function numberOf(scalar: string): number | undefined {
  const text = /^(?:int|long|double|decimal)\((.*)\)$/.exec(scalar)?.[1]
  return text === undefined ? undefined : Number(text)
}

/** @returns whether two described numbers agree in `digits` significant digits, whatever their types */
export function agreeIn(digits: number, a: string, b: string): boolean {
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left === undefined || right === undefined) return false
  return Object.is(left, right) || left.toPrecision(digits) === right.toPrecision(digits)
}

export function isOfType(type: 'int' | 'long' | 'double' | 'decimal', scalar: string): boolean {
  return scalar.startsWith(`${type}(`)
}

/** An array with its elements in one order, for sets and for what is found in no order. */
export function withSortedElements(value: Described): Described {
  return Array.isArray(value) ? [...value].sort((a, b) => (printDescribed([a]) < printDescribed([b]) ? -1 : 1)) : value
}
