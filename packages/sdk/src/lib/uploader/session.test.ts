import type { CreateUploadResponse } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import { systemClock } from '../system-clock.ts';
import { createSession } from './session.ts';

const { signal } = new AbortController();
const upload = (uploadId: string): CreateUploadResponse =>
  ({ uploadId, token: `token of ${uploadId}` }) as CreateUploadResponse;

it.each([
  ['lets go of it', false, [{ method: 'delete', path: '/second', token: 'token of second' }]],
  ['leaves it to whoever else has begun it', true, []],
])(
  'goes on with its own upload when the same create finds another one, and %s',
  async (_what, resumed, strayCalls) => {
    const calls: { method: string; path: string; token: string | undefined }[] = [];
    const coordinator: Coordinator = {
      address: 'http://localhost',
      learnt: {},
      call: async <Answer>({ method, path, token, json }: CoordinatorCall) => {
        calls.push({ method, path, token: token ?? (json as { token?: string } | undefined)?.token });
        return { ...upload('second'), resumed } as Answer;
      },
    };
    const session = createSession(
      { coordinator, clock: systemClock, abortSignal: signal, stopSignal: signal },
      upload('first'),
      {},
    );
    expect(await session.reopen()).toBeUndefined();
    await session.complete(signal);
    expect(calls).toEqual([
      { method: 'post', path: '', token: undefined },
      ...strayCalls,
      { method: 'post', path: '/complete', token: 'token of first' },
    ]);
  },
);
