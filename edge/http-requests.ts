import { EventEmitter } from 'node:events'
import { ClientRequest } from 'node:http'

/** What the requests of workerd have, and the Worker's types leave out. */
interface Request {
  protocol: string
  socket: unknown
  connection: unknown
  emit(event: string, ...args: unknown[]): boolean
  destroy(error?: Error): unknown
  finished: boolean
  _writableState?: { autoDestroy: boolean }
}

/**
 * Stands for the connection of a request, which workerd makes through `fetch`: connected from the start, so that those
 * who wait for that (`got`, older `stripe`) go on. What is tuned on it has no effect.
 */
class RequestSocket extends EventEmitter {
  readonly connecting = false
  readonly readable = true
  readonly writable = true
  readonly authorized = true
  readonly encrypted: boolean
  destroyed = false
  readonly #request: Request

  constructor(request: Request) {
    super()
    this.#request = request
    this.encrypted = request.protocol === 'https:'
    // One agent may hand the socket of a request to many listeners.
    this.setMaxListeners(0)
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  address(): object {
    return {}
  }

  destroy(error?: Error): this {
    this.destroyed = true
    this.#request.destroy(error)
    return this
  }
}

const sockets = new WeakMap<object, RequestSocket>()

function socketOf(request: Request): RequestSocket {
  const socket = sockets.get(request) ?? new RequestSocket(request)
  sockets.set(request, socket)
  return socket
}

const announced = new WeakSet<object>()

/** Tells a request's listeners of its socket once, after the code that made the request has run. */
function announceSocket(request: Request): void {
  if (announced.has(request)) return
  announced.add(request)
  setTimeout(() => {
    const socket = socketOf(request)
    request.socket = socket
    request.connection = socket
    request.emit('socket', socket)
  }, 0)
}

/** Header values as one text: with a list, workerd reads a table that it has not made and throws. */
function headerText(name: unknown, value: unknown): unknown {
  return Array.isArray(value) ? value.join(String(name).toLowerCase() === 'cookie' ? '; ' : ', ') : value
}

/** Gives a response the request and the socket it came over, and ends the request with it. */
function completeResponse(request: Request, response: EventEmitter): void {
  const socket = socketOf(request)
  for (const [name, value] of Object.entries({ req: request, socket, connection: socket }))
    Object.defineProperty(response, name, { value, configurable: true, writable: true })
  response.once('end', () => setTimeout(() => request.emit('close'), 0))
}

type Method = (this: Request, ...args: unknown[]) => unknown

/** Replaces a method of all requests by one that gets the original. */
function wrap(name: string, make: (original: Method) => Method): void {
  const original: unknown = Reflect.get(ClientRequest.prototype, name)
  if (typeof original === 'function') Reflect.set(ClientRequest.prototype, name, make(original as Method))
}

/**
 * Mends the requests of `node:http` and `node:https` in workerd 1.20260730, so that packages which look closer at them
 * work as on Node: headers given as lists throw (`node-fetch` 2); the event `socket` never comes, for which some wait
 * before they send (`stripe` 8, `got` 11); a request that was sent counts as destroyed, and its response is dropped
 * (`axios` without redirects, as in `twilio`); and it never closes.
 */
export function mendHttpRequests(): void {
  for (const name of ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'])
    wrap(
      name,
      (original) =>
        function addListener(event, listener) {
          if (event === 'socket') announceSocket(this)
          return Reflect.apply(original, this, [event, listener])
        },
    )
  wrap(
    'setHeader',
    (original) =>
      function setHeader(name, value) {
        return Reflect.apply(original, this, [name, headerText(name, value)])
      },
  )
  wrap(
    'end',
    (original) =>
      function end(...args) {
        if (this._writableState !== undefined) this._writableState.autoDestroy = false
        Reflect.apply(original, this, args)
        this.finished = true
        return this
      },
  )
  wrap(
    'emit',
    (original) =>
      function emit(event, ...args) {
        const [response] = args
        if (event === 'response' && response instanceof EventEmitter) completeResponse(this, response)
        return Reflect.apply(original, this, [event, ...args])
      },
  )
}
