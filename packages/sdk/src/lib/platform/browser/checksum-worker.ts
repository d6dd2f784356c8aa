// Reads and digests what the page asks for, away from the thread that the page draws with. Only digests go back.
import { createStretchReader } from './blob-stretch.ts';
import type { AnswerOfWorker, AskedOfWorker, StretchOfBlob } from './checksum-workers.ts';
import { digestBlobStream } from './digest-blob-stream.ts';

/** The page takes a worker of which it hears nothing for long for dead. */
const TELL_EVERY_MS = 1_000;

const read = createStretchReader();
let toldMs = 0;

addEventListener('message', ({ data }: MessageEvent<AskedOfWorker>) => {
  // What cannot be read is read once more by the page, which knows how to tell.
  digest(read(data)).then(
    (value) => answer({ value }),
    () => answer({}),
  );
});

async function digest({
  algorithm,
  blob,
  offsetBytes,
  sizeBytes,
}: StretchOfBlob): Promise<string | undefined> {
  const stretch = blob.slice(offsetBytes, offsetBytes + sizeBytes);
  return stretch.size === sizeBytes ? await digestBlobStream(algorithm, stretch, tellOfLife) : undefined;
}

function tellOfLife(): void {
  const nowMs = performance.now();
  if (nowMs - toldMs < TELL_EVERY_MS) return;
  toldMs = nowMs;
  answer('reading');
}

function answer(message: AnswerOfWorker): void {
  postMessage(message);
}
