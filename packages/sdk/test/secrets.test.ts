import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createUploader } from '@longhaul/sdk';

afterEach(() => vi.useRealTimers());

describe('errors of the coordinator', () => {
  it.each([
    ['refuses the connection', 'http://127.0.0.1:1'],
    ['has no name', 'http://coordinator.invalid'],
  ])('hold no secret, however deep one looks, when it %s', async (_what, coordinator) => {
    const headers = { authorization: 'Bearer canary-7f3a' };
    const uploader = createUploader({ coordinator, headers, retry: { maxAttempts: 1 } });
    const error: unknown = await uploader
      .upload(Buffer.from('abc'))
      .result.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary');
  });

  it('hold none when it takes too long either', async () => {
    // Its deadline is a minute: one that has passed at once says the same.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const headers = { authorization: 'Bearer canary-7f3a' };
    const coordinator = (): Promise<Response> => new Promise(() => {});
    const upload = createUploader({ coordinator, headers, retry: { maxAttempts: 1 } }).upload(
      Buffer.from('abc'),
    );
    const failed = upload.result.catch((reason: unknown) => reason);
    await vi.waitUntil(() => vi.getTimerCount() > 0);
    await vi.advanceTimersByTimeAsync(61_000);
    const error: unknown = await failed;
    expect(error).toMatchObject({ code: 'COORDINATOR_UNREACHABLE', cause: { name: 'TimeoutError' } });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary');
  });
});
