import { createServer, type Server } from 'node:net'
import { Connection, type Handler, type Peer } from './connection.ts'

export interface Listener {
  readonly port: number
  readonly connections: () => number
  close(): Promise<void>
}

/**
 * Listens for MongoDB clients.
 *
 * @param port 0 = a free port
 * @param onGone called once for each connection that ended, however it ended
 * @throws the socket's error (`EADDRINUSE`, ...) when it cannot listen
 */
export async function listen(
  host: string,
  port: number,
  handle: Handler,
  onGone: (peer: Peer) => void,
): Promise<Listener> {
  const open = new Set<Connection>()
  const server: Server = createServer((socket) => {
    const connection = new Connection(socket, handle)
    open.add(connection)
    socket.once('close', () => {
      open.delete(connection)
      onGone(connection.peer)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port')
  return {
    port: address.port,
    connections: () => open.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const connection of open) connection.close()
      }),
  }
}
