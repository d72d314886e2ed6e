import { getField } from '../../../runtime/ejson/index.ts'
import { toFunctionValue } from '../../../runtime/functions/values.ts'
import { PasswordAccounts } from '../../../runtime/users/password-accounts.ts'
import type { HostRequest, UserpassStep } from '../../host-request.ts'
import { emptyAnswer } from '../answers.ts'
import { createHooks } from '../hooks.ts'
import type { HostContext } from '../host-context.ts'
import { toRequestInfo } from '../request-info.ts'
import { readDocument, requiredText } from './body.ts'

/** `POST .../auth/providers/local-userpass/<step>`: registration, confirmation and password resets. */
export async function handleUserpass(
  context: HostContext,
  request: HostRequest,
  step: UserpassStep,
): Promise<Response> {
  const body = readDocument(request)
  const hooks = createHooks(context, toRequestInfo(request, ''), request.requestId)
  const accounts = new PasswordAccounts(context.users, {
    ...hooks,
    sendMail: async (mail) => {
      if (context.settings.sendMail !== undefined) return context.settings.sendMail(mail)
      context.runtime.options.log({
        type: 'auth',
        status: 'error',
        name: `local-userpass ${mail.purpose}`,
        requestId: request.requestId,
        error: 'no mail was sent: this edge has no mail transport; use a confirmation or reset function',
      })
    },
  })
  switch (step) {
    case 'register':
      await accounts.register(requiredText(body, 'email'), requiredText(body, 'password'))
      return emptyAnswer(201)
    case 'confirm':
      await accounts.confirm(requiredText(body, 'token'), requiredText(body, 'tokenId'))
      return emptyAnswer(200)
    case 'confirm/send':
      await accounts.resendConfirmation(requiredText(body, 'email'))
      return emptyAnswer(200)
    case 'confirm/call':
      await accounts.callConfirmation(requiredText(body, 'email'))
      return emptyAnswer(200)
    case 'reset':
      await accounts.reset(requiredText(body, 'token'), requiredText(body, 'tokenId'), requiredText(body, 'password'))
      return emptyAnswer(200)
    case 'reset/send':
      await accounts.sendReset(requiredText(body, 'email'))
      return emptyAnswer(200)
    case 'reset/call': {
      const args = toFunctionValue(getField(body, 'arguments'))
      const password = requiredText(body, 'password')
      await accounts.callReset(requiredText(body, 'email'), password, Array.isArray(args) ? args : [])
      return emptyAnswer(200)
    }
  }
}
