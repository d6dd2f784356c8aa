import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

const BUFFER_BYTES = 64 * 1024;

/**
 * What comes from standard input. A pipe is read into one buffer again and again: `process.stdin` makes a new one for
 * every 64 KiB, and what is left of those until it is collected would take more memory than the parts that are held.
 */
export function openStandardInput(): AsyncIterable<Uint8Array> {
  const { stdin } = process;
  const stats = fstatSync(stdin.fd);
  return stats.isFIFO() || stats.isSocket() ? readPipe(stdin.fd) : stdin;
}

function readPipe(fd: number): AsyncIterable<Uint8Array> & { destroy(): void } {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let arrival = Promise.withResolvers<number>();
  const socket = new Socket({
    fd,
    writable: false,
    onread: {
      buffer,
      callback(bytes) {
        arrival.resolve(bytes);
        // Not a byte more until this was taken.
        return false;
      },
    },
  });
  socket.on('error', (error) => arrival.reject(error));
  socket.on('close', () => arrival.resolve(0));

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      socket.resume();
      const bytes = await arrival.promise;
      if (bytes === 0) return;
      arrival = Promise.withResolvers();
      yield buffer.subarray(0, bytes);
    }
  }
  return { [Symbol.asyncIterator]: chunks, destroy: () => void socket.destroy() };
}
