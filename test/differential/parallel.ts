import { type DifferentialOptions, type DifferentialResult, type Observer, runDifferential } from './run.ts'

/** Between the seeds of jobs; no multiple of it is near one of that between rounds. */
const JOB_STRIDE = 700_001

/**
 * Runs the check in one job for each pair of servers, which share the operations; one pair runs as
 * {@link runDifferential} does.
 *
 * @returns the sums over all jobs
 */
export async function runInParallel(
  pairs: readonly (readonly [local: Observer, server: Observer])[],
  options: DifferentialOptions,
): Promise<DifferentialResult> {
  const results = await Promise.all(
    pairs.map(([local, server], job) =>
      runDifferential(local, server, {
        ...options,
        operations: Math.ceil(options.operations / pairs.length),
        seed: options.seed + job * JOB_STRIDE,
      }),
    ),
  )
  const sum = (count: (result: DifferentialResult) => number) =>
    results.reduce((total, result) => total + count(result), 0)
  const names = [...new Set(results.flatMap(({ known }) => [...known.keys()]))]
  return {
    operations: sum(({ operations }) => operations),
    scenarios: sum(({ scenarios }) => scenarios),
    differences: sum(({ differences }) => differences),
    known: new Map(names.map((name) => [name, sum(({ known }) => known.get(name) ?? 0)])),
  }
}
