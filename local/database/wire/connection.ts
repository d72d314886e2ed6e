import type { Socket } from 'node:net'
import { frameReply, HEADER_BYTES, MAX_MESSAGE_BYTES, MalformedMessage, type Message, parseMessage } from './message.ts'

/** What a request is answered with; `null` closes the connection without an answer. */
export type Answer = {
  /** The reply document, in pieces that are joined on the wire. */
  readonly parts: readonly Uint8Array[]
  /** Exhaust: gives the next answer to the same request, when the client allowed several. */
  readonly next?: () => Promise<Answer | null>
} | null

/** One client connection as the command layer sees it. */
export interface Peer {
  readonly id: number
  /** `address:port` of this server as the client reached it. */
  readonly localAddress: string
  readonly remoteAddress: string
  /** Aborted when the socket is gone: what still waits for this client ends. */
  readonly closed: AbortSignal
}

export type Handler = (message: Message, peer: Peer) => Answer | Promise<Answer>

let nextConnectionId = 1

/** Reads messages off one socket and answers them in order, one at a time, as MongoDB does. */
export class Connection {
  readonly #socket: Socket
  readonly #handle: Handler
  readonly #peer: Peer
  readonly #closing = new AbortController()
  readonly #queue: Message[] = []
  #chunks: Buffer[] = []
  #buffered = 0
  #busy = false

  constructor(socket: Socket, handle: Handler) {
    this.#socket = socket
    this.#handle = handle
    this.#peer = {
      id: nextConnectionId++,
      localAddress: `${hostText(socket.localAddress)}:${socket.localPort}`,
      remoteAddress: `${hostText(socket.remoteAddress)}:${socket.remotePort}`,
      closed: this.#closing.signal,
    }
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#closing.abort())
  }

  get peer(): Peer {
    return this.#peer
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    try {
      for (let message = this.#take(); message; message = this.#take()) this.#queue.push(parseMessage(message))
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      this.close()
      return
    }
    if (!this.#busy) this.#drain()
  }

  #take(): Buffer | undefined {
    if (this.#buffered < HEADER_BYTES) return undefined
    if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)]
    const length = this.#chunks[0]!.readInt32LE(0)
    if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES + HEADER_BYTES) {
      throw new MalformedMessage(`a message of ${length} bytes`)
    }
    if (this.#buffered < length) return undefined
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#buffered -= length
    this.#chunks = this.#buffered > 0 ? [whole.subarray(length)] : []
    return whole.subarray(0, length)
  }

  #drain(): void {
    this.#busy = true
    while (this.#queue.length > 0 && !this.#closing.signal.aborted) {
      const message = this.#queue.shift()!
      const answer = this.#handle(message, this.#peer)
      if (answer instanceof Promise) {
        answer
          .then((settled) => this.#finish(message, settled))
          .then(
            () => this.#drain(),
            () => this.close(),
          )
        return
      }
      const more = this.#send(message, message.requestId, answer)
      if (more) {
        more.then(
          () => this.#drain(),
          () => this.close(),
        )
        return
      }
    }
    this.#busy = false
  }

  async #finish(message: Message, answer: Answer): Promise<void> {
    await this.#send(message, message.requestId, answer)
  }

  /** @returns a promise when an exhaust stream follows */
  #send(message: Message, responseTo: number, answer: Answer): Promise<void> | undefined {
    if (answer === null) {
      this.close()
      return undefined
    }
    if (message.moreToCome || this.#closing.signal.aborted) return undefined
    const next = message.exhaustAllowed ? answer.next : undefined
    const reply = frameReply(message.kind, responseTo, answer.parts, next !== undefined)
    this.#socket.write(reply.bytes)
    return next && this.#exhaust(message, reply.requestId, next)
  }

  async #exhaust(message: Message, responseTo: number, next: () => Promise<Answer>): Promise<void> {
    const answer = await next()
    if (!this.#closing.signal.aborted) await this.#send(message, responseTo, answer)
  }
}

function hostText(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  const host = address.replace(/^::ffff:/, '')
  return host.includes(':') ? `[${host}]` : host
}
