import { createServer } from 'node:net';

// Below the range that kernels give to `listen(0)` and to outgoing connections (32768 and up on Linux, 49152 on
// macOS), so that nobody is handed our port between the look and the start. A Redis Cluster node also listens on
// its port + 10,000: both halves lie in this range.
const FIRST_PORT = 10_000;
const PORT_COUNT = 12_000;

/** Redis Cluster's distance between a node's port and its bus port. */
export const CLUSTER_BUS_OFFSET = 10_000;

const handedOut = new Set<number>();

/**
 * A loopback port that nobody listens on, never the same twice in one process.
 * @param offsets further distances from the port that must be free too
 */
export async function findFreePort(offsets: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    const ports = [port, ...offsets.map((offset) => port + offset)];
    if (ports.some((each) => handedOut.has(each))) continue;
    if (!(await areFree(ports))) continue;
    for (const each of ports) handedOut.add(each);
    return port;
  }
  throw new Error(`no free port found between ${FIRST_PORT} and ${FIRST_PORT + PORT_COUNT}`);
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  const results = await Promise.all(ports.map(isFree));
  return results.every(Boolean);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
