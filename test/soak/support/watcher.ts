import { post } from '../../contract/credentials.ts'
import type { SoakApp } from './soak-app.ts'

export interface Watcher {
  /** `_id`s of the insertions it was told of. */
  readonly seen: ReadonlySet<number>
  /** How often the stream had to be opened. */
  readonly opened: number
  close(): void
}

/** Watches the app's collection `source` as the Web SDK does, and opens the stream anew when it ends. */
export async function watchIds(url: string, app: SoakApp): Promise<Watcher> {
  const client = `${url}/api/client/v2.0/app/${app.clientAppId}`
  const { body } = await post(`${client}/auth/providers/anon-user/login`, {})
  const call = {
    name: 'watch',
    service: 'mongodb-atlas',
    arguments: [{ database: app.database, collection: 'source' }],
  }
  const address = `${client}/functions/call?baas_request=${encodeURIComponent(btoa(JSON.stringify(call)))}`
  const abort = new AbortController()
  const seen = new Set<number>()
  let opened = 0

  async function open(): Promise<AsyncIterable<string> | undefined> {
    const headers = { Authorization: `Bearer ${body.access_token}`, Accept: 'text/event-stream' }
    const response = await fetch(address, { headers, signal: abort.signal })
    if (response.status !== 200 || response.body === null) return undefined
    opened++
    return response.body.pipeThrough(new TextDecoderStream())
  }

  async function read(stream: AsyncIterable<string> | undefined): Promise<void> {
    let text = ''
    for await (const chunk of stream ?? []) {
      text += chunk
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const [, id] = /^data: .*"documentKey":\{"_id":\{"\$numberInt":"(\d+)"\}\}/.exec(message) ?? []
        if (id !== undefined) seen.add(Number(id))
        else if (message.startsWith('event: error')) process.stderr.write(`${message}\n`)
      }
    }
  }

  const first = await open()
  void (async () => {
    let stream = first
    while (!abort.signal.aborted) {
      await read(stream).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 200))
      stream = await open().catch(() => undefined)
    }
  })()
  return {
    seen,
    get opened() {
      return opened
    },
    close: () => abort.abort(),
  }
}
