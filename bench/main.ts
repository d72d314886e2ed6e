/** Every benchmark by name: a module whose `run` prints its own lines and says whether the aim was met. */
const BENCHMARKS: Readonly<{ [name: string]: () => Promise<{ run(): Promise<boolean> }> }> = {
  kpi: () => import('./kpi.ts'),
  'local-database': () => import('./local-database.ts'),
}

const wanted = process.argv.slice(2)
const usage = `usage: npm run bench -- [name]...\n  all without a name; there are: ${Object.keys(BENCHMARKS).join(', ')}`
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHMARKS, name))
if (wanted.includes('--help') || wanted.includes('-h')) console.log(usage)
else if (unknown.length > 0) {
  console.error(`no benchmark named ${unknown.join(', ')}; there are: ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exitCode = 2
} else {
  for (const name of wanted.length > 0 ? wanted : Object.keys(BENCHMARKS)) {
    console.log(`# ${name}`)
    const { run } = await BENCHMARKS[name]!()
    if (!(await run())) process.exitCode = 1
  }
}
