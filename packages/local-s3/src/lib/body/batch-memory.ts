/** A batch that is handed on at once: large enough that handing on costs little. */
export const BATCH_BYTES: number = 1024 ** 2;

/** Kept for the next bodies: fresh memory costs a page fault for every 4 KiB. */
const MAX_KEPT = 32;

const kept: Uint8Array[] = [];

/** Memory that a worker thread can see too. */
export function takeBatch(): Uint8Array {
  return kept.pop() ?? new Uint8Array(new SharedArrayBuffer(BATCH_BYTES));
}

/** Gives it back; nobody may look at it any more. */
export function returnBatch(batch: Uint8Array): void {
  if (kept.length < MAX_KEPT) kept.push(batch);
}
