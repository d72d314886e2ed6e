process.env.KPI_RUNS ??= '300'

// The same properties as in every test run, over many more random databases.
await import('../functions/kpi-definitions.property.test.ts')
await import('../functions/kpi-jobs.test.ts')
await import('../functions/kpi-repairs.test.ts')
