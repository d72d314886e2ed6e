/** The parts of Node's modules that the mends of workerd need; a Worker's project has no Node types. */
declare module 'node:net' {
  export class Socket {
    /** Milliseconds; 0 = none. */
    timeout?: number
    setTimeout(timeout: number): this
  }
}

declare module 'node:events' {
  export class EventEmitter {
    once(event: string, listener: (...args: unknown[]) => void): this
    setMaxListeners(count: number): this
  }
}

declare module 'node:http' {
  export class ClientRequest {
    readonly method: string
  }
}
