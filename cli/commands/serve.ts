import { parseOrigin } from '../../edge/node/public-origin.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { createTriggerRunner, type TriggerRunner } from '../../runtime/triggers/index.ts'
import { type EdgeSettings, parseEdgeSettingsText, triggerOptionsOf } from '../../schemas/edge-settings.ts'
import { loadBuiltApp } from '../built-app.ts'
import { type Command, type CommandContext, CommandError, optionalOption, UsageError } from '../command.ts'
import { connect } from '../connect.ts'
import { listenForStop } from '../stop-signal.ts'

const signingKeyName = 'EDGE_SIGNING_KEY'
const shortestSigningKeyBytes = 32

function signingKey(secrets: Readonly<Record<string, string>>): string {
  const key = secrets[signingKeyName] ?? process.env[signingKeyName] ?? ''
  if (Buffer.byteLength(key) < shortestSigningKeyBytes)
    throw new UsageError(
      `${signingKeyName} must be set to at least ${shortestSigningKeyBytes} bytes (openssl rand -base64 32), in the environment or in --secrets`,
    )
  return key
}

/** Issuers, address ranges and limits, as for the Worker. */
function readSettings(): EdgeSettings {
  try {
    return parseEdgeSettingsText(process.env.EDGE_SETTINGS)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Where clients reach the proxy in front, when there is one. */
function publicOrigin(context: CommandContext): string | undefined {
  const origin = optionalOption(context, 'origin') ?? process.env.EDGE_ORIGIN
  try {
    return origin === undefined || origin === '' ? undefined : parseOrigin(origin)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

export const command: Command = {
  name: 'serve',
  summary: 'Serves an app from this machine, triggers included: the edge without Cloudflare',
  usage:
    '--uri mongodb://... [--app DIR] [--secrets FILE] [--port 8787] [--listen 127.0.0.1] [--no-triggers] [--origin https://...] [--trust-proxy]',
  options: {
    port: { type: 'string' },
    listen: { type: 'string' },
    'no-triggers': { type: 'boolean' },
    origin: { type: 'string' },
    'trust-proxy': { type: 'boolean' },
  },
  async run(context) {
    const port = Number(optionalOption(context, 'port') ?? process.env.PORT ?? 8787)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port must be a port number')
    const secrets = { ...context.secrets, [signingKeyName]: signingKey(context.secrets) }
    const settings = readSettings()
    const origin = publicOrigin(context)
    const { built } = await loadBuiltApp(context.appDir, context.progress)
    // Asked once before listening: a wrong --uri is the operator's to see, not the clients'.
    await (await connect(context.uri)).close()
    const stop = listenForStop()
    let triggers: TriggerRunner | undefined
    const edge = await startNodeEdge({
      built,
      uri: context.uri,
      port,
      host: optionalOption(context, 'listen') ?? '127.0.0.1',
      secrets,
      settings,
      readyReasons: () => triggers?.status().reasons ?? [],
      trustProxy: context.values['trust-proxy'] === true,
      ...(origin !== undefined && { origin }),
    }).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
        throw new CommandError(`port ${port} is taken; choose another with --port`)
      throw error
    })
    if (context.values['no-triggers'] !== true) {
      triggers = createTriggerRunner(edge.runtime, triggerOptionsOf(settings))
      await triggers.start()
    }
    context.output(
      { url: edge.url, app: built.definition.clientAppId },
      `serving ${built.definition.clientAppId} at ${edge.url}`,
    )
    await stop.requested
    await triggers?.stop()
    await edge.close()
    process.exit(0)
  },
}
