import { Socket } from 'node:net'

/**
 * Mends Node sockets in workerd 1.20260730: while a socket has a timeout, each read and write of it adds one more
 * `timeout` listener, so that a pool kept for days leaks. Restarting the timer needs no listener.
 */
export function mendSocketTimeouts(): void {
  Reflect.set(Socket.prototype, '_unrefTimer', function restartTimer(this: Socket): void {
    if (this.timeout !== undefined && this.timeout > 0) this.setTimeout(this.timeout)
  })
}
