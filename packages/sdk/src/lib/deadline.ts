import type { Clock } from './ports/clock.ts';

/** Does the work, whose signal aborts after `timeoutMs`. */
export async function within<Value>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const late = new AbortController();
  const over = new AbortController();
  clock.sleep(timeoutMs, over.signal).then(
    () => late.abort(new Error('out of time')),
    () => {},
  );
  return await work(late.signal).finally(() => over.abort());
}
