// Reads and digests stretches of files, away from the thread that sends. Only digests go back.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { toBase64 } from '../../base64.ts';
import type { DigestAnswer, DigestQuestion } from './digest-thread.ts';
import { createNodeHash } from './node-hash.ts';

/** What stays in a core's own cache between reading and counting: larger and much smaller ones take a tenth more time. */
const BUFFER_BYTES = 256 * 1024;

const buffer = new Uint8Array(BUFFER_BYTES);

parentPort?.on('message', (question: DigestQuestion) => {
  const answer: DigestAnswer = { id: question.id, value: digest(question) };
  parentPort?.postMessage(answer);
});

/** What cannot be read is read once more by who asks, and who knows how to tell. */
function digest(question: DigestQuestion): string | undefined {
  let descriptor: number | undefined;
  try {
    // Should a pipe have taken the file's place: opening it must not wait for somebody who writes to it.
    descriptor = openSync(question.file.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return digestOpen(descriptor, question);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function digestOpen(
  descriptor: number,
  { file, algorithm, offsetBytes, sizeBytes, isStopped }: DigestQuestion,
): string | undefined {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  if (dev !== file.dev || ino !== file.ino) return undefined;
  const hash = createNodeHash(algorithm);
  for (let doneBytes = 0; doneBytes < sizeBytes;) {
    if (Atomics.load(isStopped, 0)) return undefined;
    const wantedBytes = Math.min(BUFFER_BYTES, sizeBytes - doneBytes);
    const readBytes = readSync(descriptor, buffer, 0, wantedBytes, offsetBytes + doneBytes);
    if (readBytes === 0) return undefined;
    hash.update(buffer.subarray(0, readBytes));
    doneBytes += readBytes;
  }
  return toBase64(hash.digest());
}
