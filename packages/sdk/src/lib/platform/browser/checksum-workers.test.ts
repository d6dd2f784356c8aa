import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** A worker that is alive until it is ended, and answers when it is told to. */
class StubWorker {
  static readonly all: StubWorker[] = [];
  isAlive = true;
  onmessage: (event: { data: unknown }) => void = () => {};
  onerror: (event: Pick<Event, 'preventDefault'>) => void = () => {};
  constructor() {
    StubWorker.all.push(this);
  }
  readonly posted: unknown[] = [];
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  terminate(): void {
    this.isAlive = false;
  }
  answer(): void {
    this.onmessage({ data: { value: 'digest' } });
  }
}

const alive = (): StubWorker[] => StubWorker.all.filter(({ isAlive }) => isAlive);
const stretch = { algorithm: 'CRC32', blob: new Blob(), offsetBytes: 0, sizeBytes: 0 } as const;

beforeEach(() => {
  StubWorker.all.length = 0;
  vi.useFakeTimers();
  vi.resetModules();
  vi.stubGlobal('Worker', StubWorker);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('no worker outlives the work, not even beside one that was ended in the middle', async () => {
  const { digestInWorker } = await import('./checksum-workers.ts');
  const signal = new AbortController().signal;
  const both = [digestInWorker(stretch, signal), digestInWorker(stretch, signal)];
  for (const worker of StubWorker.all) worker.answer();
  expect(await Promise.all(both)).toEqual(['digest', 'digest']);
  // Both rest; one is taken again, and aborted.
  const controller = new AbortController();
  const aborted = digestInWorker(stretch, controller.signal);
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  expect(alive()).toHaveLength(1);
  vi.advanceTimersByTime(11_000);
  expect(alive()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('those that were started beforehand are the ones that work, and go when nothing came of it', async () => {
  const { digestInWorker, getReady } = await import('./checksum-workers.ts');
  const signal = new AbortController().signal;
  getReady();
  getReady();
  expect(alive()).toHaveLength(2);
  const both = [digestInWorker(stretch, signal), digestInWorker(stretch, signal)];
  for (const worker of StubWorker.all) worker.answer();
  expect(await Promise.all(both)).toEqual(['digest', 'digest']);
  expect(StubWorker.all).toHaveLength(2);
  vi.advanceTimersByTime(11_000);
  expect(alive()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('those that were started before a file was picked wait for a minute, and ten seconds once one was', async () => {
  const { digestInWorker, getReady } = await import('./checksum-workers.ts');
  getReady(true);
  vi.advanceTimersByTime(59_000);
  expect(alive()).toHaveLength(2);
  vi.advanceTimersByTime(2_000);
  expect(alive()).toEqual([]);
  getReady(true);
  vi.advanceTimersByTime(30_000);
  getReady();
  // Another uploader is made meanwhile.
  getReady(true);
  const digested = digestInWorker(stretch, new AbortController().signal);
  for (const worker of alive()) worker.answer();
  expect(await digested).toBe('digest');
  expect(StubWorker.all).toHaveLength(4);
  vi.advanceTimersByTime(11_000);
  expect(alive()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('nobody waits for one that could not start', async () => {
  const { digestInWorker, getReady } = await import('./checksum-workers.ts');
  getReady();
  for (const worker of StubWorker.all) worker.onerror({ preventDefault: () => {} });
  expect(await digestInWorker(stretch, new AbortController().signal)).toBeUndefined();
  expect(StubWorker.all).toHaveLength(2);
});

it('hands a Blob to a worker once, another one as well, and keeps none of which nothing is to come', async () => {
  const { digestInWorker } = await import('./checksum-workers.ts');
  const { createStretchReader } = await import('./blob-stretch.ts');
  const signal = new AbortController().signal;
  const [blob, other, piece] = [new Blob(['one']), new Blob(['other']), new Blob(['!'])];
  const asked = [blob, blob, other, blob, piece, blob].map((each, offsetBytes) => ({
    ...stretch,
    blob: each,
    offsetBytes,
    sizeBytes: 1,
  }));
  for (const each of asked) {
    const digested = digestInWorker(each, signal);
    StubWorker.all[0]?.answer();
    await digested;
  }
  const posted = StubWorker.all.flatMap((worker) => worker.posted);
  expect(posted.map((message) => 'blob' in (message as object))).toEqual([
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
  const read = createStretchReader();
  expect(posted.map((message) => read(message as typeof stretch))).toEqual(asked);
});
