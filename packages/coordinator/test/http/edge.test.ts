import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/index.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import { startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const valid = () => ({ createId: randomUUID(), name: 'x', sizeBytes: 1 });

let coordinator: TestCoordinator;
const reported: unknown[] = [];
beforeEach(async () => {
  reported.length = 0;
  coordinator = await startCoordinator({ onError: (error) => reported.push(error) });
});
afterEach(() => coordinator.close());

describe('without an authorize hook', () => {
  const create = async (url: string, headers: Record<string, string> = {}, env: object = {}) => {
    const init = { method: 'POST', body: JSON.stringify({ ...valid(), payload: 'AA==' }), headers };
    return (await coordinator.app.request(`${url}/v1/uploads`, init, env)).status;
  };

  it.each(['http://localhost:8787', 'http://127.0.0.1', 'http://127.1', 'http://[::1]:8787'])(
    'serves %s',
    async (url) => expect(await create(url)).toBe(201),
  );

  it.each([
    'http://rebound.example',
    'http://localhost.',
    'http://localhost.rebound.example',
    'http://127.0.0.1.rebound.example',
    'http://[::ffff:10.0.0.1]',
    'http://0.0.0.0',
  ])('does not serve %s', async (url) => expect(await create(url)).toBe(401));

  it('takes no uploads from pages of other origins, who need not see the answer to do harm', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
      expect(await create('http://localhost', { origin, 'content-type': 'text/plain' })).toBe(401);
    }
    expect(await create('http://localhost', { origin: 'http://127.0.0.1:5173' })).toBe(201);
    const listed = await startCoordinator({ corsOrigins: ['https://app.example'] });
    const from = async (origin: string) =>
      (await listed.call('POST', '/v1/uploads', { body: valid(), headers: { origin } })).status;
    expect(await from('https://app.example')).toBe(201);
    expect(await from('http://localhost')).toBe(201); // the coordinator's own
    expect(await from('http://localhost:5173')).toBe(401);
    await listed.close();
  });

  it('does not believe a Host header from another machine', async () => {
    const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });
    expect(await create('http://localhost', {}, from('10.0.0.9'))).toBe(401);
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect(await create('http://localhost', {}, from(address))).toBe(201);
  });
});

describe('an authorize hook', () => {
  it.each([true, { id: 'ann' }, 7, 'x'.repeat(257), 'nul\0', 'half\uD800'])(
    'that answers %o is a mistake, and nobody’s upload',
    async (answer) => {
      const hooked = await startCoordinator({ authorize: () => answer as string, onError: () => undefined });
      expect(await hooked.call('POST', '/v1/uploads', { body: valid() })).toMatchObject({
        status: 500,
        problem: { code: 'internal-error' },
      });
      await hooked.close();
    },
  );

  it('may name owners in any script, and their tokens travel in a batch', async () => {
    const hooked = await startCoordinator({ authorize: () => '\u{1}"東'.repeat(85) });
    const { uploadId, token } = await hooked.create({ sizeBytes: 1 });
    const answered = await hooked.call('POST', '/v1/uploads/batch/complete', {
      body: { uploads: [{ uploadId, token }] },
    });
    expect(answered.answer).toMatchObject({ uploads: [{ ok: false, problem: { code: 'parts-missing' } }] });
    await hooked.close();
  });
});

describe('bodies', () => {
  it('that are wrong in many places cost no more than those that are wrong in one', async () => {
    const { uploadId, token } = await coordinator.create({ sizeBytes: 1, mode: 'multipart' });
    const { problem } = await coordinator.call('POST', `/v1/uploads/${uploadId}/parts`, {
      token,
      text: `{"report":[${'0,'.repeat(500_000)}0],"sign":[]}`,
    });
    expect(problem).toMatchObject({ code: 'bad-request', detail: expect.stringContaining('report.0') });
    expect(problem.detail).not.toContain('report.1');
  });

  it('of those who have shown nothing yet are read up to a small limit', async () => {
    const text = `{"uploads":[${'0,'.repeat(1024 ** 2)}0]}`;
    expect(await coordinator.call('POST', '/v1/uploads/batch/complete', { text })).toMatchObject({
      status: 413,
      problem: { code: 'request-too-large' },
    });
  });

  it('that break off are the sender’s trouble', async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    const response = await coordinator.app.request('http://localhost/v1/uploads', init);
    expect(await response.json()).toMatchObject({ code: 'bad-request' });
    expect(reported).toEqual([]);
  });
});

describe('/readyz', () => {
  const never = () => new Promise<void>(() => undefined);
  const impatient: Clock = { ...systemClock, sleep: () => Promise.resolve() };

  it('answers although something behind it does not', async () => {
    const hanging = await startCoordinator({
      clock: impatient,
      wrapStore: (store) => ({ ...store, ping: never }),
    });
    expect(await hanging.call('GET', '/readyz')).toMatchObject({
      status: 503,
      answer: { status: 'unavailable', checks: { objectStore: false } },
    });
    await hanging.close();
  });

  it('says why it is not ready to whoever keeps the log, and asks once for all who ask together', async () => {
    const away = new Error('away');
    let pings = 0;
    const lame = await startCoordinator({
      onError: (error) => reported.push(error),
      wrapStore: (store) => ({ ...store, ping: () => (pings++, Promise.reject(away)) }),
    });
    await Promise.all(Array.from({ length: 10 }, () => lame.call('GET', '/readyz')));
    expect(reported).toEqual([away]);
    expect(pings).toBe(1);
    await lame.close();
  });
});

it('lets no cache keep what it answers', async () => {
  const refused = await coordinator.call('GET', '/v1/uploads/x');
  const created = await coordinator.call('POST', '/v1/uploads', { body: valid() });
  for (const { headers } of [refused, created]) expect(headers.get('cache-control')).toBe('no-store');
});

it('gives a browser that opens an answer nothing to run, to frame, to guess or to tell', async () => {
  const refused = await coordinator.call('GET', '/v1/uploads/x');
  const created = await coordinator.call('POST', '/v1/uploads', { body: valid() });
  const unknown = await coordinator.call('GET', '/nothing');
  const healthy = await coordinator.call('GET', '/healthz');
  for (const { headers } of [refused, created, unknown, healthy]) {
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-type')).toMatch(/^application\/(problem\+)?json/);
  }
});

it.each([
  ['PUT', '/v1/uploads', 'POST'],
  ['GET', '/v1/uploads', 'POST'],
  ['GET', '/v1/uploads/batch', 'POST'],
  ['DELETE', '/v1/uploads/batch', 'POST'],
  ['GET', '/v1/uploads/batch/complete', 'POST'],
  ['GET', '/v1/uploads/parts', 'POST'],
  ['DELETE', '/v1/uploads/complete', 'POST'],
  ['PATCH', '/v1/uploads/x', 'GET, DELETE'],
  ['POST', '/v1/uploads/x', 'GET, DELETE'],
  ['GET', '/v1/uploads/x/parts', 'POST'],
  ['PUT', '/v1/uploads/x/complete', 'POST'],
  ['POST', '/v1/limits', 'GET'],
  ['POST', '/healthz', 'GET'],
  ['DELETE', '/readyz', 'GET'],
])('%s %s is told that it goes by %s', async (method, path, allow) => {
  const refused = await coordinator.call(method, path);
  expect(refused).toMatchObject({ status: 405, problem: { code: 'method-not-allowed' } });
  expect(refused.headers.get('allow')).toBe(allow);
});
