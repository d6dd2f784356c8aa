import { S3Error } from '../s3-error.ts';

/** Passes the chunks on, and throws RequestTimeout when none comes for `idleMs`. */
export async function* refuseStalled(
  chunks: AsyncIterable<Uint8Array>,
  idleMs: number,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let onIdle = (): void => {};
  const timer = setTimeout(() => onIdle(), idleMs);
  try {
    for (;;) {
      // A fresh promise per chunk: racing against one long-lived promise would hold a reaction for every chunk.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        onIdle = () => reject(new S3Error('RequestTimeout', { headers: { connection: 'close' } }));
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      timer.refresh();
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
  }
}
