import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { dataApiApp, isPreset, presets } from '../app-folder/data-api-app.ts'
import { type Command, CommandError, optionalOption, requiredOption, UsageError } from '../command.ts'

const appIdForm = /^[A-Za-z0-9_-]{1,64}$/
const clusterForm = /^[A-Za-z0-9_-]{1,64}$/

/** The folder must be ours alone: a file that is there already may be somebody's work. */
async function assertEmpty(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return []
    throw new CommandError(
      code === 'ENOTDIR'
        ? `${dir} is a file; give a folder that does not exist yet`
        : `${dir} cannot be read (${String(code)})`,
    )
  })
  if (entries.length > 0)
    throw new CommandError(`${dir} is not empty; give a folder that is empty or does not exist yet`)
}

export const command: Command = {
  name: 'init',
  summary: 'Writes the app folder of an app that used the Data API alone and was never exported',
  usage: `DIR --app-id data-abcde [--data-source Cluster0] --preset ${presets.join('|')}`,
  options: { 'app-id': { type: 'string' }, 'data-source': { type: 'string' }, preset: { type: 'string' } },
  async run(context) {
    const [target, ...more] = context.positionals
    if (target === undefined || more.length > 0) throw new UsageError(`usage: atlas-edge init ${command.usage}`)
    const appId = requiredOption(context, 'app-id')
    if (!appIdForm.test(appId))
      throw new UsageError(`--app-id must be the id in your Data API URL, such as data-abcde, not "${appId}"`)
    const dataSource = optionalOption(context, 'data-source') ?? 'Cluster0'
    if (!clusterForm.test(dataSource))
      throw new UsageError(`--data-source must be the name that requests send, such as Cluster0, not "${dataSource}"`)
    const preset = requiredOption(context, 'preset')
    if (!isPreset(preset)) throw new UsageError(`--preset is one of ${presets.join(', ')}, not "${preset}"`)
    const dir = path.resolve(target)
    await assertEmpty(dir)
    const files = dataApiApp({ appId, dataSource, preset })
    for (const [name, content] of files) {
      await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
      await writeFile(path.join(dir, name), `${JSON.stringify(content, null, 4)}\n`)
    }
    context.output(
      { dir, files: [...files.keys()], appId, dataSource, preset },
      [
        `Wrote ${dir}: the Data API of ${appId}, data source ${dataSource}, preset ${preset}.`,
        'Next:',
        `  npm run dev -- --app ${target} --uri mongodb+srv://...     serve it with your database`,
        `  npm run --silent cli -- keys create --name my-key --app ${target} --uri mongodb+srv://...     make an API key`,
        `Then call /app/${appId}/endpoint/data/v1/action/findOne as before.`,
      ].join('\n'),
    )
    return 0
  },
}
