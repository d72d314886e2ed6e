/** The part of Node's module that `socket-timeouts.ts` needs; a Worker's project has no Node types. */
declare module 'node:net' {
  export class Socket {
    /** Milliseconds; 0 = none. */
    timeout?: number
    setTimeout(timeout: number): this
  }
}
