/** What the outer app keeps for one request. */
export interface EdgeEnv {
  Variables: {
    requestId: string
    /** The whole body, at most 18 MB; empty without one. */
    body: Uint8Array
  }
}
