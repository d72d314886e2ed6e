/** A source of the same "random" numbers at every run (mulberry32): the demo must not change between two starts. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform integer in [from, to). */
  integer(from: number, to: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  chance(probability: number): boolean
  /** In place. */
  shuffle<T>(items: T[]): T[]
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from))
  return {
    next,
    integer,
    pick: (items) => items[integer(0, items.length)] ?? items[0],
    chance: (probability) => next() < probability,
    shuffle(items) {
      for (let index = items.length - 1; index > 0; index--) {
        const other = integer(0, index + 1)
        const held = items[index]!
        items[index] = items[other]!
        items[other] = held
      }
      return items
    },
  }
}
