import { AppError } from '../../runtime/errors.ts'
import { assertPassword, createConfirmedUser } from '../../runtime/users/password-accounts.ts'
import { type Command, CommandError, requiredOption, UsageError } from '../command.ts'
import { withUserService } from '../user-service.ts'

export const command: Command = {
  name: 'users create',
  summary: 'Creates an email/password user who may log in at once',
  usage: '--email EMAIL --password PASSWORD [--app DIR] [--uri mongodb://...]',
  options: { email: { type: 'string' }, password: { type: 'string' } },
  async run(context) {
    const email = requiredOption(context, 'email')
    const password = requiredOption(context, 'password')
    try {
      assertPassword(password)
    } catch (error) {
      throw new UsageError(error instanceof AppError ? error.message : 'the password is not usable')
    }
    return withUserService(context, async (service) => {
      if (service.provider('local-userpass') === undefined)
        context.progress('the app has local-userpass switched off (auth/providers.json): the login will be refused')
      try {
        const user = await createConfirmedUser(service, email, password)
        context.output({ id: user.id, email })
        return 0
      } catch (error) {
        if (error instanceof AppError && error.code === 'AccountNameInUse')
          throw new CommandError(`a user with the email ${email} exists already`)
        throw error
      }
    })
  },
}
