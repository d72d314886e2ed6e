import { type Command, optionalOption, requiredOption, UsageError } from '../command.ts'
import { keyScopeOptions, keyScopeUsage, readKeyScope } from '../key-scope.ts'
import { withUserService } from '../user-service.ts'

const roles = ['viewer', 'analyst', 'admin']
const maxNameLength = 64

export const command: Command = {
  name: 'keys create',
  summary: 'Creates a server API key; it is shown once',
  usage: `--name NAME [--role viewer|analyst|admin] [--app DIR] [--uri mongodb://...]\n       ${keyScopeUsage}`,
  options: { name: { type: 'string' }, role: { type: 'string' }, ...keyScopeOptions },
  async run(context) {
    const name = requiredOption(context, 'name')
    if (name.length > maxNameLength) throw new UsageError(`--name has more than ${maxNameLength} characters`)
    const role = optionalOption(context, 'role') ?? 'viewer'
    if (!roles.includes(role)) throw new UsageError(`--role must be one of ${roles.join(', ')}`)
    const scope = readKeyScope(context, new Date())
    return withUserService(context, async (service) => {
      if (service.provider('api-key') === undefined)
        context.progress('the app has the api-key provider switched off (auth/providers.json): the key will be refused')
      const created = await service.apiKeys.createServerKey(name, { role }, service.now(), scope)
      const limits = Object.keys(scope).length > 0 ? { scope } : {}
      context.output({ key: created.key, id: created.id, name: created.name, role, ...limits })
      return 0
    })
  },
}
