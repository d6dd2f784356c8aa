import { type BatchItem, MAX_BATCH_ITEMS, type Problem } from '@longhaul/protocol';
import type { CoordinatorCall } from '../ports/coordinator.ts';
import type { Outcome } from '../repeat.ts';

/** Makes a call once. Rejects only with the reason of its signal. */
export type AttemptCall = (call: CoordinatorCall, signal: AbortSignal) => Promise<Outcome<unknown>>;

/** Calls of one kind that may travel together. */
export interface SharedKind {
  /** Where they go together, below `/v1/uploads`. */
  readonly path: string;
  /** A call as an entry of the list. */
  readonly entryOf: (call: CoordinatorCall) => unknown;
  /** What an entry of the answer says. */
  readonly judge: (item: BatchItem<unknown>) => Outcome<unknown>;
}

interface Waiting {
  readonly call: CoordinatorCall;
  readonly signal: AbortSignal;
  readonly entry: unknown;
  readonly entryBytes: number;
  readonly resolve: (outcome: Outcome<unknown>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Shared calls of a kind under way at once: while some are worked on others travel. */
const LINES = 3;

/** A reverse proxy that nobody has configured takes 1 MiB (nginx). */
const MAX_BATCH_BYTES = 1_000_000;

/** Lets creates share calls, and completions. `judge` says what a refusal means. */
export function createSharing(
  attempt: AttemptCall,
  judge: (problem: Problem) => Outcome<unknown>,
): AttemptCall {
  const judgeItem: SharedKind['judge'] = (item) => (item.ok ? item : judge(item.problem));
  const create = shareCalls(attempt, { path: '/batch', entryOf: ({ json }) => json, judge: judgeItem });
  const complete = shareCalls(attempt, {
    path: '/batch/complete',
    entryOf: ({ path, token, json }) => (token ? { uploadId: path.split('/')[1], token } : json),
    judge: judgeItem,
  });
  return async (call, signal) => await (call.path ? complete : create)(call, signal);
}

/**
 * Lets calls share one with those that were made while the lines were busy: the more there are, the more of them travel
 * together, and one that is alone goes at once. Each is answered, refused and aborted by itself.
 *
 * A coordinator, or a proxy in front of it, that does not take them together gets them one by one from then on.
 */
export function shareCalls(attempt: AttemptCall, { path, entryOf, judge }: SharedKind): AttemptCall {
  let busyLines = 0;
  let queue: Waiting[] = [];
  let isRefused = false;

  const takeBatch = (): Waiting[] => {
    let batchBytes = 0;
    queue = queue.filter(({ signal }) => !signal.aborted);
    const isTooMuch = ({ entryBytes }: Waiting, index: number): boolean =>
      (batchBytes += entryBytes) > MAX_BATCH_BYTES && index > 0;
    const end = queue.slice(0, MAX_BATCH_ITEMS).findIndex(isTooMuch);
    return queue.splice(0, end < 0 ? MAX_BATCH_ITEMS : end);
  };

  /** `undefined`: not as a batch. */
  const sendTogether = async (batch: readonly Waiting[]): Promise<Outcome<unknown>[] | undefined> => {
    const json = { uploads: batch.map(({ entry }) => entry) };
    const outcome = await untilAllAbort(batch, (signal) => attempt({ method: 'post', path, json }, signal));
    if ('value' in outcome) {
      const { uploads } = outcome.value as { uploads?: readonly BatchItem<unknown>[] };
      if (uploads?.length === batch.length && uploads.every(Boolean)) return uploads.map(judge);
    } else if (outcome.trouble !== 'fatal') return batch.map(() => outcome);
    isRefused = true;
    return undefined;
  };

  const sendNext = async (): Promise<void> => {
    const batch = takeBatch();
    const together = batch.length > 1 && !isRefused;
    const outcomes = together ? await sendTogether(batch).catch(() => undefined) : undefined;
    const settle = async ({ call, signal, resolve, reject }: Waiting, index: number): Promise<void> =>
      await Promise.resolve(outcomes?.[index] ?? attempt(call, signal)).then(resolve, reject);
    await Promise.all(batch.map(settle));
  };

  const work = async (): Promise<void> => {
    if (busyLines === LINES) return;
    busyLines++;
    // Those of the same moment come along.
    await Promise.resolve();
    while (queue.length > 0) await sendNext();
    busyLines--;
  };

  return async (call, signal) => {
    if (isRefused) return await attempt(call, signal);
    const over = new AbortController();
    const outcome = new Promise<Outcome<unknown>>((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', () => reject(signal.reason), over);
      const entry = entryOf(call);
      const entryBytes = JSON.stringify(entry).length;
      queue.push({ call, signal, entry, entryBytes, resolve, reject });
      void work();
    });
    return await outcome.finally(() => over.abort());
  };
}

/** A call that is given up once nobody waits for it any more. */
async function untilAllAbort<Value>(
  batch: readonly Waiting[],
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const nobodyWaits = new AbortController();
  const over = new AbortController();
  const look = (): void => {
    if (batch.every(({ signal }) => signal.aborted)) nobodyWaits.abort();
  };
  for (const { signal } of batch) signal.addEventListener('abort', look, over);
  return await work(nobodyWaits.signal).finally(() => over.abort());
}
