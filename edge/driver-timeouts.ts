const defaultFunctionTimeoutMs = 300_000
const marginMs = 10_000

/**
 * How soon the driver notices what kind of outage. Away: a request is refused after 3 s. Silent, as a machine that hangs:
 * the monitor finds out within 10 s and ends what waits. A connection that died without a word, its server alive: freed
 * once no function can still wait for it. Busy: a burst of some hundred requests waits its turn at three sockets, also on
 * a slow machine; twice the 2 s of the specification (Workers and MongoDB 3) and some, as those refused part of it.
 */
export function driverTimeouts(functionTimeoutMs = defaultFunctionTimeoutMs) {
  return {
    serverSelectionTimeoutMS: 3_000,
    waitQueueTimeoutMS: 5_000,
    connectTimeoutMS: 5_000,
    heartbeatFrequencyMS: 5_000,
    socketTimeoutMS: functionTimeoutMs + marginMs,
  }
}
