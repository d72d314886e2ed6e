import { defineConfig } from 'vitest/config'

/** Kill loops, full-count fuzz and bulk imports: minutes, not seconds. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts'],
    setupFiles: ['test/soak/support/seed.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
