import { Socket } from 'node:net'

interface Handle {
  readonly reader: { read: (...args: unknown[]) => Promise<unknown> }
  readonly socket: { readonly closed: Promise<unknown>; readonly upgraded?: boolean }
}

/** What a stream has that the Worker's types leave out of `Socket`. */
interface Destroyable {
  readonly writableLength: number
  readonly writableNeedDrain: boolean
  destroy(error?: Error): unknown
}

const handles = new WeakMap<Socket, Handle>()

/**
 * Mends Node sockets in workerd 1.20260730, whose streams do not always learn that the other side is gone: what a read
 * fails with is dropped, and a connection that closes before its last read has returned says "end" without closing. Who
 * waits for an answer then waits for ever, and a pool of such sockets never recovers from a server that was killed.
 */
export function mendSocketEnds(): void {
  Object.defineProperty(Socket.prototype, '_handle', {
    configurable: true,
    get(this: Socket): Handle | null {
      return handles.get(this) ?? null
    },
    set(this: Socket & Destroyable, handle: Handle | null) {
      if (handle === null) {
        handles.delete(this)
        return
      }
      handles.set(this, handle)
      destroyWithHandle(this, handle)
    },
  })
}

function destroyWithHandle(socket: Socket & Destroyable, handle: Handle): void {
  const destroy = (error: unknown) => {
    // A socket that goes on as TLS, or was connected again, has another handle.
    if (handle.socket.upgraded === true || handles.get(socket) !== handle) return
    // An orderly end is none, as after the QUIT of a mail; but who waits for a buffer to drain hears of nothing else.
    if (error === undefined && socket.writableLength === 0 && !socket.writableNeedDrain) socket.destroy()
    else socket.destroy(Object.assign(new Error('the connection was lost', { cause: error }), { code: 'ECONNRESET' }))
  }
  const read = handle.reader.read.bind(handle.reader)
  let reads = 0
  handle.reader.read = async (...args) => {
    // workerd may begin a read while another is under way; that one fails at once, and means nothing.
    const isExtra = reads > 0
    reads += 1
    try {
      return await read(...args)
    } catch (error) {
      if (!isExtra) destroy(error)
      throw error
    } finally {
      reads -= 1
    }
  }
  // The stream's own handlers of the same promise go first, and a read that has returned by now is taken along.
  handle.socket.closed.then(
    () => setTimeout(destroy, 0, undefined),
    (error: unknown) => setTimeout(destroy, 0, error),
  )
}
