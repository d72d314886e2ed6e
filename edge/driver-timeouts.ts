const defaultFunctionTimeoutMs = 300_000
const marginMs = 10_000

/**
 * How soon the driver notices what kind of outage. Away: a request is refused after 3 s. Silent, as a machine that hangs:
 * the monitor finds out within 10 s and ends what waits. A connection that died without a word, its server alive: freed
 * once no function can still wait for it.
 */
export function driverTimeouts(functionTimeoutMs = defaultFunctionTimeoutMs) {
  return {
    serverSelectionTimeoutMS: 3_000,
    waitQueueTimeoutMS: 2_000,
    connectTimeoutMS: 5_000,
    heartbeatFrequencyMS: 5_000,
    socketTimeoutMS: functionTimeoutMs + marginMs,
  }
}
