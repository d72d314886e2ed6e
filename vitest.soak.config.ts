import { defineConfig } from 'vitest/config'

/** Kill loops, full-count fuzz and bulk imports: minutes, not seconds. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    env: { PROPERTY_SEED: process.env.PROPERTY_SEED ?? '1' },
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
