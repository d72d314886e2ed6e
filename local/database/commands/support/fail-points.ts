import { type Doc, Int32, isDoc, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'

interface FailPoint {
  readonly data: Doc
  /** Times left; infinite when always on. */
  times: number
  skip: number
  readonly probability: number
}

const KNOWN = new Set(['failCommand', 'failGetMoreAfterCursorCheckout', 'onPrimaryTransactionalWrite'])

/** The fail points that driver tests switch on with `configureFailPoint`. */
export class FailPoints {
  readonly #points = new Map<string, FailPoint>()

  /** @throws {DatabaseError} 2 for an unknown fail point or mode */
  configure(name: string, mode: Value | undefined, data: Doc): void {
    if (!KNOWN.has(name)) throw new DatabaseError(2, `${name} not found`)
    if (mode === 'off') {
      this.#points.delete(name)
      return
    }
    let times = Number.POSITIVE_INFINITY
    let skip = 0
    let probability = 1
    if (isDoc(mode)) {
      if (mode.has('times')) times = numberOf(mode.get('times'))
      else if (mode.has('skip')) skip = numberOf(mode.get('skip'))
      else if (mode.has('activationProbability')) probability = numberOf(mode.get('activationProbability'))
      else throw new DatabaseError(2, "'mode' must be one of off, alwaysOn, times, skip, activationProbability")
    } else if (mode !== 'alwaysOn') {
      throw new DatabaseError(2, `unknown mode: ${String(mode)}`)
    }
    this.#points.set(name, { data, times, skip, probability })
  }

  /** The fail point's data when it strikes now. @param applies tells whether its data means this occasion */
  strike(name: string, applies: (data: Doc) => boolean = () => true): Doc | undefined {
    const point = this.#points.get(name)
    if (!point || !applies(point.data)) return undefined
    if (point.skip > 0) {
      point.skip--
      return undefined
    }
    if (point.times <= 0 || Math.random() >= point.probability) return undefined
    point.times--
    if (point.times === 0) this.#points.delete(name)
    return point.data
  }

  get any(): boolean {
    return this.#points.size > 0
  }
}

function numberOf(value: Value | undefined): number {
  if (value instanceof Int32) return value.value
  if (isNumber(value)) return Number(value)
  throw new DatabaseError(14, "'mode' takes a number")
}
