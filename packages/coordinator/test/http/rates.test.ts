import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type CallLimiter, CallLimiterError } from '../../src/index.ts';
import { addressGroup } from '../../src/lib/http/client-address.ts';
import { createMovingClock } from '../support/moving-clock.ts';
import { startCoordinator, type TestCoordinator, type TestOptions } from '../support/start-coordinator.ts';

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

const tooMany = { status: 429, problem: { code: 'rate-limited' } };
const authorize = (request: Request): string => request.headers.get('x-user') ?? 'ann';
const clock = createMovingClock();

async function start(options: TestOptions): Promise<void> {
  coordinator = await startCoordinator({ authorize, clock, ...options });
}

function createAs(user: string) {
  const body = { createId: randomUUID(), name: 'x', sizeBytes: 1 };
  return coordinator.call('POST', '/v1/uploads', { body, headers: { 'x-user': user } });
}

describe('calls of one owner', () => {
  it('are answered up to the limit, then 429 with the time to wait; after it they are again', async () => {
    await start({ callsPerMinutePerOwner: 3 });
    for (let calls = 0; calls < 3; calls += 1) expect((await createAs('ann')).status).toBe(201);
    const refused = await createAs('ann');
    expect(refused).toMatchObject({ ...tooMany, problem: { retryAfterSeconds: 20 } });
    expect(refused.headers.get('retry-after')).toBe('20');
    expect((await createAs('bob')).status).toBe(201);
    clock.pass(20);
    expect((await createAs('ann')).status).toBe(201);
  });

  it('count whatever they are about', async () => {
    await start({ callsPerMinutePerOwner: 4 });
    const upload = await coordinator.create();
    await coordinator.parts(upload, {});
    await coordinator.complete(upload);
    await coordinator.call('GET', `/v1/uploads/${upload.uploadId}`, { token: upload.token });
    expect(await coordinator.cancel(upload)).toMatchObject(tooMany);
  });

  interface Entry {
    readonly ok: boolean;
    readonly problem?: { readonly code: string; readonly retryAfterSeconds: number };
  }

  async function createTogether(count: number): Promise<readonly Entry[]> {
    const uploads = Array.from({ length: count }, () => ({
      createId: randomUUID(),
      name: 'x',
      sizeBytes: 6 * 1024 ** 2,
      mode: 'multipart',
    }));
    const { status, answer } = await coordinator.call<{ uploads: Entry[] }>('POST', '/v1/uploads/batch', {
      body: { uploads },
    });
    expect(status).toBe(200);
    return answer.uploads;
  }

  it('count each entry of a batch: those for which there is room pass, and the others make nothing', async () => {
    await start({ callsPerMinutePerOwner: 5 });
    expect((await createTogether(3)).map(({ ok }) => ok)).toEqual([true, true, true]);
    const entries = await createTogether(4);
    expect(entries.filter(({ ok }) => ok)).toHaveLength(2);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toHaveLength(5);
    const waits = entries.flatMap(({ problem }) => problem?.retryAfterSeconds ?? []);
    // One call in twelve seconds, one after the other.
    expect(waits).toEqual([12, 24]);
  });

  it.each([60, 10])(
    'let a batch of 100 end at %i a minute, although its owner goes on calling',
    async (rate) => {
      await start({ callsPerMinutePerOwner: rate });
      const first = await createTogether(100);
      let waits = first.flatMap(({ problem }) => problem?.retryAfterSeconds ?? []);
      // Time goes on meanwhile.
      expect(waits.length).toBeGreaterThan(0);
      expect(waits.length).toBeLessThanOrEqual(100 - rate);
      const deadline = (100 / rate) * 60 * 2;
      let passedSeconds = 0;
      // Somebody else of the same owner takes every second call that there is room for.
      for (let seconds = 1; waits.length > 0 && seconds <= deadline; seconds += 1) {
        clock.pass(1);
        passedSeconds = seconds;
        if (seconds % (120 / rate) === 0) await createAs('ann');
        const due = waits.filter((at) => at <= seconds).length;
        const again = due > 0 ? await createTogether(due) : [];
        waits = [
          ...waits.filter((at) => at > seconds),
          ...again.flatMap(({ problem }) => (problem ? problem.retryAfterSeconds + seconds : [])),
        ];
      }
      expect(waits).toEqual([]);
      expect(passedSeconds).toBeLessThanOrEqual(deadline);
    },
  );

  it('count a batch that cannot be read as one', async () => {
    await start({ callsPerMinutePerOwner: 1 });
    const nonsense = { text: '{', headers: {} };
    expect((await coordinator.call('POST', '/v1/uploads/batch', nonsense)).status).toBe(400);
    expect(await coordinator.call('POST', '/v1/uploads/batch', nonsense)).toMatchObject(tooMany);
  });

  it('count those of a batch to complete for whose upload it is', async () => {
    await start({ callsPerMinutePerOwner: 2 });
    const { uploadId, token } = await coordinator.create();
    const entry = { uploadId, token };
    const { answer } = await coordinator.call<{ uploads: { problem: { code: string } }[] }>(
      'POST',
      '/v1/uploads/batch/complete',
      { body: { uploads: [entry, entry, entry] } },
    );
    expect(answer.uploads.map(({ problem }) => problem.code)).toEqual([
      'parts-missing',
      'rate-limited',
      'rate-limited',
    ]);
  });
});

describe('calls of one address', () => {
  const from = async (remoteAddress: string | undefined, headers: Record<string, string> = {}) => {
    const env = { incoming: { socket: { remoteAddress } } };
    return (await coordinator.app.request('http://localhost/v1/limits', { headers }, env)).status;
  };

  it('are limited whoever makes them, and nobody else’s', async () => {
    await start({ callsPerMinutePerAddress: 2 });
    const statuses = [];
    for (const address of [
      '10.0.0.1',
      '::ffff:10.0.0.1',
      '10.0.0.1',
      '10.0.0.2',
      undefined,
      undefined,
      undefined,
    ])
      statuses.push(await from(address));
    expect(statuses).toEqual([200, 200, 429, 200, 200, 200, 200]);
  });

  it('are those of the peer, whatever X-Forwarded-For says', async () => {
    await start({ callsPerMinutePerAddress: 1 });
    expect(await from('10.0.0.1', { 'x-forwarded-for': '1.1.1.1' })).toBe(200);
    expect(await from('10.0.0.1', { 'x-forwarded-for': '2.2.2.2' })).toBe(429);
  });

  it('behind proxies of our own are those of whom the outermost has seen', async () => {
    await start({ callsPerMinutePerAddress: 1, trustedProxyCount: 2 });
    const seen = (list: string) => from('10.0.0.1', { 'x-forwarded-for': list });
    expect(await seen('9.9.9.9, 1.1.1.1, 10.0.0.2')).toBe(200);
    expect(await seen('8.8.8.8, 1.1.1.1, 10.0.0.2')).toBe(429);
    expect(await seen('1.1.1.1, 2.2.2.2, 10.0.0.2')).toBe(200);
    expect(await seen('x'.repeat(65))).toBe(200);
    expect(await seen('y'.repeat(65))).toBe(429);
  });

  it.each([
    ['1.2.3.4:5678', '1.2.3.4:5679', '1.2.3.4'],
    ['[2001:db8::1]:5678', '[2001:db8::2]:5679', '2001:db8::3'],
    ['[2001:db8::1]', '2001:db8::1', '[2001:db8::1]:80'],
  ])('are those of %s, whatever the port that a proxy tells too', async (...entries) => {
    await start({ callsPerMinutePerAddress: 1, trustedProxyCount: 1 });
    const statuses = [];
    for (const entry of entries) statuses.push(await from('10.0.0.1', { 'x-forwarded-for': entry }));
    expect(statuses).toEqual([200, 429, 429]);
  });

  it('do not count preflights, which a page cannot make fewer', async () => {
    await start({ callsPerMinutePerAddress: 1 });
    const env = { incoming: { socket: { remoteAddress: '10.0.0.1' } } };
    const preflight = () =>
      coordinator.app.request(
        'http://localhost/v1/uploads',
        { method: 'OPTIONS', headers: { origin: 'http://localhost' } },
        env,
      );
    for (let calls = 0; calls < 3; calls += 1) expect((await preflight()).status).toBe(204);
    expect(await from('10.0.0.1')).toBe(200);
  });

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['2001:DB8:0001:2::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['nonsense', 'nonsense'],
  ])('%s counts as %s', async (address, group) => {
    await start({});
    expect(addressGroup(address)).toBe(group);
  });
});

describe('where calls are counted', () => {
  it('may be given, and while it is away each process counts by itself', async () => {
    const heard: unknown[] = [];
    const away = new CallLimiterError('away');
    const callLimiter: CallLimiter = { take: () => Promise.reject(away) };
    await start({ callsPerMinutePerOwner: 1, callLimiter, onError: (error) => heard.push(error) });
    expect((await createAs('ann')).status).toBe(201);
    expect(await createAs('ann')).toMatchObject(tooMany);
    expect(heard).toEqual([away, away]);
  });

  it('hears no owner and no address by name', async () => {
    const buckets: string[] = [];
    const callLimiter: CallLimiter = { take: async (bucket) => (buckets.push(bucket), 0) };
    await start({ callsPerMinutePerOwner: 1, callLimiter });
    await createAs('ann@example.com');
    expect(buckets).toEqual([expect.stringMatching(/^owner:[\w-]{22}$/)]);
  });

  it('a limit of 0 lets nobody pass, and no limit asks nobody', async () => {
    await start({ callsPerMinutePerOwner: 0 });
    expect(await createAs('ann')).toMatchObject(tooMany);
    await coordinator.close();
    await start({ callLimiter: { take: () => Promise.reject(new Error('asked')) } });
    expect((await createAs('ann')).status).toBe(201);
  });
});
