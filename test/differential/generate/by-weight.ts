import fc from 'fast-check'

/** One of the arbitraries, each as often as its key says beside the others. */
export function byWeight<T>(choices: Readonly<Record<number, readonly fc.Arbitrary<T>[]>>): fc.Arbitrary<T> {
  return fc.oneof(
    ...Object.entries(choices).flatMap(([weight, arbitraries]) =>
      arbitraries.map((arbitrary) => ({ weight: Number(weight), arbitrary })),
    ),
  )
}
