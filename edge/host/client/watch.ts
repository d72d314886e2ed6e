import type { Caller } from '../../../runtime/caller.ts'
import { stringifyEjson } from '../../../runtime/ejson/index.ts'
import { AppError } from '../../../runtime/errors.ts'
import { sleep } from '../../../runtime/sleep.ts'
import { type CollectionWatch, watchCollection } from '../../../runtime/streams/watch-collection.ts'
import { toErrorAnswer } from '../../error-body.ts'
import type { HostRequest } from '../../host-request.ts'
import type { HostContext } from '../host-context.ts'
import { userOfBearer } from '../resolve-user.ts'
import { Arguments, toNamespace } from './service-call.ts'

const heartbeatMs = 20_000
/** Events that wait here for a slow reader; behind them, the stream itself waits. */
const maxWaiting = 256
/** Longer than any network stalls that a connection survives. */
const patienceMs = 30_000

/** The Web SDK's stream of change events (spec: clients 5.2): server-sent events of extended JSON, without ids. */
export async function streamWatch(
  context: HostContext,
  request: HostRequest,
  caller: Caller,
  service: string,
  args: readonly unknown[],
): Promise<Response> {
  const ns = toNamespace(context.runtime, service, args)
  const fields = new Arguments(args)
  const ids = fields.get('ids')
  if (ids !== undefined && !Array.isArray(ids)) throw new AppError('BadRequest', "'ids' must be an array")
  const watch = await watchCollection(context.runtime, caller, ns, {
    ...(ids !== undefined && { ids }),
    ...(fields.has('filter') && { filter: fields.document('filter') }),
  })
  const body = toEventStream(watch, () => userOfBearer(context, request))
  return new Response(body, {
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache, no-transform' },
  })
}

/** @param assertSession rejects once the session has ended */
function toEventStream(watch: CollectionWatch, assertSession: () => Promise<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let heartbeat: ReturnType<typeof setInterval> | null = null
  let isOpen = true
  let onRead: (() => void) | undefined
  async function end(): Promise<void> {
    isOpen = false
    onRead?.()
    if (heartbeat !== null) clearInterval(heartbeat)
    await watch.close().catch(() => {})
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string) => {
          if (isOpen) controller.enqueue(encoder.encode(text))
        }
        const fail = async (error: unknown) => {
          if (!isOpen) return
          const { error: text, error_code = 'BadRequest' } = toErrorAnswer(error)
          send(`event: error\ndata: ${escapeData(JSON.stringify({ error: text, error_code }))}\n\n`)
          await end()
          controller.close()
        }
        // The first bytes make proxies pass the headers on.
        send(': ok\n\n')
        heartbeat = setInterval(() => {
          send(': hb\n\n')
          assertSession().catch((error) => (isAway(error) ? undefined : fail(error)))
        }, heartbeatMs)
        void pump(controller, send, fail)
      },
      pull: () => onRead?.(),
      cancel: end,
    },
    { highWaterMark: maxWaiting },
  )

  /** Waits until the client reads on. @returns false when it does not */
  async function isRead(): Promise<boolean> {
    const waiting = new AbortController()
    onRead = () => waiting.abort()
    await sleep(patienceMs, waiting.signal)
    onRead = undefined
    return waiting.signal.aborted
  }

  async function pump(
    controller: ReadableStreamDefaultController<Uint8Array>,
    send: (text: string) => void,
    fail: (error: unknown) => Promise<void>,
  ): Promise<void> {
    try {
      for (let event = await watch.next(); isOpen && event !== undefined; event = await watch.next()) {
        if ((controller.desiredSize ?? 0) <= 0 && !(await isRead()))
          return await fail(new AppError('BadRequest', 'the reader is too slow for this stream'))
        send(`data: ${escapeData(stringifyEjson(event, 'EJSON'))}\n\n`)
      }
      if (!isOpen) return
      await end()
      controller.close()
    } catch (error) {
      await fail(error)
    }
  }
}

/** A database that does not answer says nothing about a session. */
function isAway(error: unknown): boolean {
  return toErrorAnswer(error).status === 503
}

/** The service's own escape, which is no URL encoding. */
function escapeData(data: string): string {
  return data.replaceAll('%', '%25').replaceAll('\n', '%0A').replaceAll('\r', '%0D')
}
