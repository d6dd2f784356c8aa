import type { CreateUploadResponse } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import type { Coordinator } from '../ports/coordinator.ts';
import { systemClock } from '../system-clock.ts';
import { createSession } from './session.ts';

const { signal } = new AbortController();
const upload = (uploadId: string): CreateUploadResponse =>
  ({ uploadId, token: `token of ${uploadId}` }) as CreateUploadResponse;

it('ends with its upload when the same create begins another one', async () => {
  const calls: string[] = [];
  const coordinator: Coordinator = {
    address: 'http://localhost',
    call: async <Answer>({ path }: { path: string }) => {
      calls.push(path);
      return upload('second') as Answer;
    },
  };
  const session = createSession(
    { coordinator, clock: systemClock, abortSignal: signal, stopSignal: signal },
    upload('first'),
    {},
  );
  await expect(session.reopen()).rejects.toMatchObject({ code: 'UPLOAD_ENDED' });
  expect(calls).toEqual(['']);
});
