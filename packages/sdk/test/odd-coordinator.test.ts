import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CreateUploadResponse } from '@longhaul/protocol';
import { createBytesSource, createUploader, createUploaderOn, systemClock } from '@longhaul/sdk';

// What stands between a client and its coordinator answers too: portals, proxies, load balancers, other versions. No
// coordinator can be made to answer like them.
const COORDINATOR = 'http://coordinator.test/api';
const UPLOADS = `${COORDINATOR}/v1/uploads`;
const TOKEN = 'a-token';
const server = setupServer();

beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const completed: CreateUploadResponse = {
  uploadId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  nodeId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  state: 'COMPLETED',
  mode: 'inline',
  plan: { sizeBytes: 3, partSizeBytes: 5_242_880, partCount: 1 },
  createdAtEpochMs: 0,
  receivedParts: [],
  limits: { recommended_chunk_size: 1, min_chunk_size: 1, max_chunk_size: 1, max_chunks: 1 },
  token: TOKEN,
  tokenExpiresInSeconds: 60,
  resumed: false,
  grants: [],
  result: {
    uploadId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    nodeId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    bucket: 'b',
    key: 'k',
    etag: '"e"',
    location: 'http://store.test/b/k',
    sizeBytes: 3,
    partCount: 1,
    proof: 'size',
    completedAtEpochMs: 0,
  },
};

function upload() {
  const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1, maxAttempts: 4 };
  return createUploader({ coordinator: COORDINATOR, retry }).upload(Buffer.from('abc')).result;
}

/** Answers in turn; the last one stays. */
function answering(...answers: (() => Response)[]): { readonly count: number } {
  const calls = { count: 0 };
  const last = answers.length - 1;
  server.use(http.post(UPLOADS, () => answers[Math.min(calls.count++, last)]!()));
  return calls;
}

const html = (status: number) => (): Response =>
  new HttpResponse('<html>Welcome to the airport</html>', {
    status,
    headers: { 'content-type': 'text/html' },
  });
const good = (): Response => HttpResponse.json(completed, { status: 201 });

describe('an odd coordinator', () => {
  it.each([
    ['a gateway that cannot reach it', html(502)],
    ['a portal that says 200 to everything', html(200)],
    ['an answer that was cut', () => new HttpResponse('{"uploadId":"0f8f', { status: 201 })],
    ['a connection that breaks', () => HttpResponse.error()],
  ])('is asked again after %s', async (_what, odd) => {
    const calls = answering(odd, odd, good);
    expect(await upload()).toEqual(completed.result);
    expect(calls.count).toBe(3);
  });

  it('is asked again after a balancer before it said "slow down"', async () => {
    const calls = answering(() => new HttpResponse(null, { status: 429 }), good);
    expect(await upload()).toEqual(completed.result);
    expect(calls.count).toBe(2);
  });

  it('is waited for as long as its problem says', async () => {
    const sleptMs: number[] = [];
    const problem = { code: 'store-unreachable', detail: 'The store is away.', retryAfterSeconds: 7 };
    answering(() => HttpResponse.json(problem, { status: 503 }), good);
    const platform = {
      defaultConcurrency: 1,
      clock: { ...systemClock, sleep: async (delayMs: number) => void sleptMs.push(delayMs) },
      openSource: async (bytes: Uint8Array<ArrayBuffer>) => createBytesSource(bytes),
      createSender: () => ({ send: () => Promise.reject(new Error('nothing is to be sent')) }),
    };
    const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1 };
    const uploader = createUploaderOn(platform, { coordinator: COORDINATOR, retry });
    expect(await uploader.upload(new Uint8Array(3)).result).toEqual(completed.result);
    expect(sleptMs).toEqual([7_000]);
  });

  it('is named when there is none at the address', async () => {
    const calls = answering(html(404));
    await expect(upload()).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      status: 404,
      message: expect.stringContaining('http://coordinator.test/api'),
    });
    expect(calls.count).toBe(1);
  });

  it('is given up after the attempts allowed, and said to be unreachable', async () => {
    const calls = answering(() => HttpResponse.error());
    await expect(upload()).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(calls.count).toBe(4);
  });

  it('may know problems that this client does not', async () => {
    const problem = {
      type: 'urn:longhaul:problem:new',
      title: 'New',
      status: 418,
      code: 'new-reason',
      detail: 'Because.',
    };
    const calls = answering(() => HttpResponse.json(problem, { status: 418 }));
    await expect(upload()).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem,
      message: expect.stringContaining('Because.'),
    });
    expect(calls.count).toBe(1);
  });
});
