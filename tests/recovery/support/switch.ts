import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** An address that leads to a server, and after a failover to another one. */
export interface Switch {
  readonly port: number;
  /** Cuts every connection; new ones go to this port. */
  turnTo(port: number): void;
  close(): void;
}

export async function openSwitch(firstPort: number): Promise<Switch> {
  let targetPort = firstPort;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        sockets.delete(one);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    turnTo(port) {
      targetPort = port;
      cut();
    },
    close() {
      server.close();
      cut();
    },
  };
}
