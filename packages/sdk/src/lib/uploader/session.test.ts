import type { CreateUploadResponse } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import type { Coordinator } from '../ports/coordinator.ts';
import { systemClock } from '../system-clock.ts';
import { createSession } from './session.ts';

const { signal } = new AbortController();
const upload = (uploadId: string): CreateUploadResponse =>
  ({ uploadId, token: `token of ${uploadId}` }) as CreateUploadResponse;

it('goes on with its own upload when the same create begins another one', async () => {
  const calls: { path: string; token: string | undefined }[] = [];
  const coordinator: Coordinator = {
    address: 'http://localhost',
    call: async <Answer>({ path, token }: { path: string; token?: string }) => {
      calls.push({ path, token });
      return upload('second') as Answer;
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
    { path: '', token: undefined },
    { path: '/first/complete', token: 'token of first' },
  ]);
});
