import { describe, expect, it } from 'vitest';
import type { CoordinatorCall } from '../ports/coordinator.ts';
import type { Outcome } from '../repeat.ts';
import { UploadError } from '../upload-error.ts';
import { type AttemptCall, shareCalls } from './share-calls.ts';

const signal = new AbortController().signal;
const create = (id: unknown): CoordinatorCall => ({ method: 'post', path: '', json: id });
const refusal: Outcome<unknown> = { trouble: 'fatal', error: new UploadError('COORDINATOR_REFUSED', 'No.') };

/** A server that answers when it is told to; `batches` are the entries of each call, those of single calls too. */
function serve(answerBatch: (uploads: unknown[]) => Outcome<unknown>) {
  const batches: unknown[][] = [];
  const waiting: (() => void)[] = [];
  const attempt: AttemptCall = async ({ path, json }) => {
    const uploads = path ? (json as { uploads: unknown[] }).uploads : [json];
    batches.push(uploads);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return path ? answerBatch(uploads) : { value: json };
  };
  const call = shareCalls(attempt, {
    path: '/batch',
    entryOf: ({ json }) => json,
    judge: (item) => (item.ok ? item : refusal),
  });
  const answerAll = async (): Promise<void> => {
    for (let idle = 0; idle < 20; idle++) {
      if (waiting.length > 0) idle = 0;
      for (const answer of waiting.splice(0)) answer();
      await Promise.resolve();
    }
  };
  return { call, batches, answerAll };
}

const accept = (uploads: unknown[]): Outcome<unknown> => ({
  value: { uploads: uploads.map((value) => ({ ok: true, value })) },
});

describe('shareCalls', () => {
  it('answers each by itself, in calls of a hundred at most', async () => {
    const { call, batches, answerAll } = serve(accept);
    const answers = Array.from({ length: 250 }, async (_, id) => await call(create(id), signal));
    await answerAll();
    expect(await Promise.all(answers)).toMatchObject(Array.from({ length: 250 }, (_, value) => ({ value })));
    expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it('puts no more into one call than a proxy takes', async () => {
    const { call, batches, answerAll } = serve(accept);
    const [large, tooLarge] = ['x'.repeat(400_000), 'y'.repeat(2_000_000)];
    const entries = [large, large, large, tooLarge, large];
    const answers = entries.map(async (entry) => await call(create(entry), signal));
    await answerAll();
    expect(await Promise.all(answers)).toMatchObject(entries.map((value) => ({ value })));
    expect(batches).toEqual([[large, large], [large], [tooLarge], [large]]);
  });

  it('does not send what was aborted while it waited', async () => {
    const { call, batches, answerAll } = serve(accept);
    const controller = new AbortController();
    const first = call(create('first'), signal);
    const left = call(create('left'), controller.signal);
    controller.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await answerAll();
    expect(await first).toMatchObject({ value: 'first' });
    expect(batches.flat()).not.toContain('left');
  });

  it.each([
    ['refused', () => refusal],
    ['answered by somebody else', () => ({ value: { hello: 'world' } })],
    ['answered for fewer', () => ({ value: { uploads: [{ ok: true, value: 1 }] } })],
    ['answered with nonsense', (uploads: unknown[]) => ({ value: { uploads: uploads.map(() => null) } })],
  ])(
    'goes one by one once a batch was %s',
    async (_how, answer: (uploads: unknown[]) => Outcome<unknown>) => {
      const { call, batches, answerAll } = serve(answer);
      for (let wave = 0; wave < 3; wave++) {
        const answers = Array.from({ length: 5 }, async (_, id) => await call(create(id), signal));
        await answerAll();
        expect(await Promise.all(answers)).toMatchObject([0, 1, 2, 3, 4].map((value) => ({ value })));
      }
      expect(batches.filter(({ length }) => length > 1)).toHaveLength(1);
      expect(batches).toHaveLength(1 + 15);
    },
  );

  it('gives the failure of a call to all that shared it', async () => {
    const trouble: Outcome<unknown> = { trouble: 'transient', error: new Error('gone') };
    const { call, batches, answerAll } = serve(() => trouble);
    const answers = Array.from({ length: 5 }, async (_, id) => await call(create(id), signal));
    await answerAll();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 5 }, () => trouble));
    expect(batches).toHaveLength(1);
  });
});
