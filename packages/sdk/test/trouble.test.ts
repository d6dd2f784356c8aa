import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type CoordinatorFetch,
  createUploader,
  type NoticeListener,
  type NodeUploaderOptions,
  type UploadHandle,
  type UploadNotice,
} from '@longhaul/sdk';
import type { CreateUploadResponse, PartsRequest } from '@longhaul/protocol';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, s3Error, startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const PASS: Fate = { kind: 'pass' };
const FAST = { baseDelayMs: 1, throttledBaseDelayMs: 1 };

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Servers with a proxy before the store that decides on the fate of each PUT. */
async function startTroubled(
  fateOf: (partNumber: number, attempt: number) => Fate,
  settings: Parameters<typeof startServers>[0] = {},
): Promise<{ servers: TestServers; proxy: StoreProxy }> {
  let proxy: StoreProxy | undefined;
  const servers = await startServers({
    ...settings,
    publicEndpoint: async (storeUrl) => {
      proxy = await startStoreProxy(storeUrl, fateOf);
      return proxy.url;
    },
  });
  if (!proxy) throw new Error('the servers did not ask for an endpoint');
  const { stop } = proxy;
  cleanUps.push(() => servers.stop(), stop);
  return { servers, proxy };
}

async function startPlain(): Promise<TestServers> {
  const servers = await startServers();
  cleanUps.push(() => servers.stop());
  return servers;
}

async function expectStored(upload: UploadHandle, bytes: Uint8Array, servers: TestServers): Promise<void> {
  const { key } = await upload.result;
  const stored = await servers.read(key);
  expect(createHash('sha256').update(stored).digest('hex')).toBe(
    createHash('sha256').update(bytes).digest('hex'),
  );
}

describe('a store in trouble', () => {
  it('that only breaks connections keeps nobody trying at an upload that was ended elsewhere', async () => {
    let isEnded = false;
    const { servers } = await startTroubled(() => (isEnded ? { kind: 'reset' } : PASS));
    const coordinator: CoordinatorFetch = async (request) => {
      const answer = await servers.coordinator(request);
      if (isEnded || !request.url.endsWith('/v1/uploads')) return answer;
      const { uploadId, token } = (await answer.clone().json()) as CreateUploadResponse;
      const headers = { 'longhaul-token': token };
      const cancelled = await servers.coordinator(
        new Request(`${request.url}/${uploadId}`, { method: 'DELETE', headers }),
      );
      expect(cancelled.status).toBe(200);
      isEnded = true;
      return answer;
    };
    const upload = createUploader({ coordinator, retry: { baseDelayMs: 1 } }).upload(randomBytes(21 * MIB));
    await expect(upload.result).rejects.toMatchObject({ code: 'UPLOAD_ENDED' });
  });

  it('is told of to the coordinator, by the errors met with each part', async () => {
    const bytes = randomBytes(21 * MIB);
    const { servers } = await startTroubled((partNumber, attempt) => {
      if (partNumber !== 2 || attempt > 1) return PASS;
      return attempt === 0 ? { kind: 'answer', status: 503, body: s3Error('SlowDown') } : { kind: 'reset' };
    });
    const reported = new Map<number, readonly string[] | undefined>();
    const coordinator: CoordinatorFetch = async (request) => {
      if (request.method === 'POST') {
        const { report = [] } = (await request.clone().json()) as Partial<PartsRequest>;
        for (const { partNumber, errorCodes } of report) reported.set(partNumber, errorCodes);
      }
      return await servers.coordinator(request);
    };
    await expectStored(createUploader({ coordinator, retry: FAST }).upload(bytes), bytes, servers);
    expect(reported.get(1)).toBeUndefined();
    expect(reported.get(2)).toEqual(['SlowDown', 'STORE_UNREACHABLE']);
  });

  it.each<[string, Fate]>([
    ['says slow down', { kind: 'answer', status: 503, body: s3Error('SlowDown') }],
    ['stumbles', { kind: 'answer', status: 500, body: s3Error('InternalError') }],
    ['finds the connection slow', { kind: 'answer', status: 400, body: s3Error('RequestTimeout') }],
    [
      'finds the URL too old',
      { kind: 'answer', status: 403, body: s3Error('AccessDenied', 'Request has expired') },
    ],
    ['cuts the connection in the middle of a part', { kind: 'reset' }],
  ])('gets every part again when it %s', async (_what, fate) => {
    const bytes = randomBytes(21 * MIB);
    const { servers, proxy } = await startTroubled((partNumber, attempt) =>
      partNumber % 2 === 0 && attempt < 2 ? fate : PASS,
    );
    const upload = createUploader({ ...servers, retry: FAST }).upload(bytes);
    await expectStored(upload, bytes, servers);
    expect(proxy.puts.filter((partNumber) => partNumber === 2)).toHaveLength(3);
    expect(proxy.puts.filter((partNumber) => partNumber === 1)).toHaveLength(1);
  });

  it('gets a part again on another connection when it is taken and never answered', async () => {
    const bytes = randomBytes(2 * MIB);
    const { servers, proxy } = await startTroubled((_part, attempt) =>
      attempt === 0 ? { kind: 'swallow' } : PASS,
    );
    const upload = createUploader({ ...servers, retry: FAST, stallTimeoutMs: 1_000 }).upload(bytes);
    await expectStored(upload, bytes, servers);
    expect(proxy.connections()).toBeGreaterThan(1);
  });

  it('is not asked again before the time that it names', async () => {
    const bytes = randomBytes(21 * MIB);
    const askedAtMs: number[] = [];
    const { servers, proxy } = await startTroubled((partNumber, attempt) => {
      if (partNumber !== 1) return PASS;
      askedAtMs.push(performance.now());
      if (attempt > 0) return PASS;
      return { kind: 'answer', status: 503, body: s3Error('SlowDown'), headers: { 'retry-after': '1' } };
    });
    await expectStored(createUploader({ ...servers, retry: FAST }).upload(bytes), bytes, servers);
    expect(proxy.puts).toHaveLength(5);
    expect((askedAtMs[1] ?? 0) - (askedAtMs[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  it('is asked for a fresh URL once when it refuses the signature, and the refusal names the headers', async () => {
    const { servers, proxy } = await startTroubled(() => ({
      kind: 'answer',
      status: 403,
      body: s3Error('SignatureDoesNotMatch'),
    }));
    const failure = await createUploader({ ...servers, retry: FAST })
      .upload(randomBytes(2 * MIB))
      .result.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_REFUSED', s3Code: 'SignatureDoesNotMatch' });
    expect(String(failure)).toMatch(/headers; look at: .*content-length/);
    expect(String(failure)).not.toMatch(/X-Amz|Signature=|\?/);
    expect(proxy.puts).toHaveLength(2);
  });

  it('may be away for longer than all attempts take, once it has answered before', async () => {
    const bytes = randomBytes(40 * MIB);
    const { servers, proxy } = await startTroubled((partNumber, attempt) =>
      partNumber === 4 && attempt < 14 ? { kind: 'reset' } : PASS,
    );
    const retry = { ...FAST, maxDelayMs: 2 };
    const upload = createUploader({ ...servers, concurrency: 1, partSizeBytes: 5 * MIB, retry }).upload(
      bytes,
    );
    await expectStored(upload, bytes, servers);
    expect(proxy.puts.filter((partNumber) => partNumber === 4)).toHaveLength(15);
  });

  it('is not troubled by an ETag that cannot be read', async () => {
    const bytes = randomBytes(21 * MIB);
    const { servers } = await startTroubled(() => ({ kind: 'hide-etag' }));
    const notices: UploadNotice[] = [];
    const uploader = createUploader({ ...servers, onNotice: (notice) => notices.push(notice) });
    await expectStored(uploader.upload(bytes), bytes, servers);
    await expectStored(uploader.upload(bytes.subarray(1)), bytes.subarray(1), servers);
    // One sentence for all of them, with what to do.
    expect(notices).toEqual([
      { code: 'ETAG_HIDDEN', message: expect.stringMatching(/^[^.]+ExposeHeaders[^.]+\.$/) },
    ]);
  });

  it('needs no ETag of a single PUT', async () => {
    const bytes = randomBytes(2 * MIB);
    const { servers } = await startTroubled(() => ({ kind: 'hide-etag' }));
    const onNotice = vi.fn<NoticeListener>();
    await expectStored(createUploader({ ...servers, onNotice }).upload(bytes), bytes, servers);
    expect(onNotice).not.toHaveBeenCalled();
  });

  it('warns of a hidden ETag on the console when nobody else is told', async () => {
    const bytes = randomBytes(21 * MIB);
    const { servers } = await startTroubled(() => ({ kind: 'hide-etag' }));
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    await expectStored(createUploader(servers).upload(bytes), bytes, servers);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('ExposeHeaders')]]);
    warn.mockRestore();
  });

  it('refuses a body that was damaged on the way, and gets it again', async () => {
    const bytes = randomBytes(2 * MIB);
    const { servers, proxy } = await startTroubled((_part, attempt) =>
      attempt === 0 ? { kind: 'corrupt' } : PASS,
    );
    await expectStored(createUploader({ ...servers, retry: FAST }).upload(bytes), bytes, servers);
    expect(proxy.puts).toEqual([0, 0]);
  });

  it('cannot be made to store a single PUT twice', async () => {
    const bytes = randomBytes(2 * MIB);
    const { servers, proxy } = await startTroubled(() => PASS);
    let isLost = false;
    const upload = createUploader({
      retry: FAST,
      coordinator: async (request) => {
        if (request.url.endsWith('/complete') && !isLost) {
          isLost = true;
          return Response.json(
            { code: 'parts-missing', detail: 'none', status: 409, missingParts: [1] },
            { status: 409 },
          );
        }
        return await servers.coordinator(request);
      },
    }).upload(bytes);
    await expectStored(upload, bytes, servers);
    // The second PUT met the object of the first: 412, which means that it is there.
    expect(proxy.puts).toEqual([0, 0]);
  });

  it('gives up on a refusal that nothing will change, and names it without the signature', async () => {
    const { servers, proxy } = await startTroubled(() => ({
      kind: 'answer',
      status: 403,
      body: s3Error('AccessDenied'),
    }));
    const failure = await createUploader({ ...servers, retry: FAST })
      .upload(randomBytes(2 * MIB))
      .result.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_REFUSED', s3Code: 'AccessDenied', status: 403 });
    expect(String(failure)).toContain(proxy.url);
    expect(String(failure)).not.toMatch(/X-Amz|Signature|\?/);
    expect(proxy.puts).toHaveLength(3);
  });

  it('says that it was the store that gave no answer', async () => {
    const { servers, proxy } = await startTroubled(() => PASS);
    await proxy.stop();
    const failure = await createUploader({ ...servers, retry: { ...FAST, maxAttempts: 3 } })
      .upload(randomBytes(2 * MIB))
      .result.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
    expect(String(failure)).toMatch(/object store .*127\.0\.0\.1.*ECONNREFUSED.*resume/);
    expect(String(failure)).not.toContain('X-Amz');
  });

  it('gets parts again that it took and then lost', async () => {
    const bytes = randomBytes(21 * MIB);
    const { servers, proxy } = await startTroubled((partNumber, attempt) =>
      partNumber === 2 && attempt === 0 ? { kind: 'answer', status: 200 } : PASS,
    );
    await expectStored(createUploader({ ...servers, retry: FAST }).upload(bytes), bytes, servers);
    expect(proxy.puts.toSorted((a, b) => a - b)).toEqual([1, 2, 2, 3, 4]);
  });

  it('is left alone after some rounds of losing parts', async () => {
    const { servers } = await startTroubled((partNumber) =>
      partNumber === 2 ? { kind: 'answer', status: 200 } : PASS,
    );
    await expect(
      createUploader({ ...servers, retry: FAST }).upload(randomBytes(21 * MIB)).result,
    ).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem: { code: 'parts-missing', missingParts: [2] },
    });
  });

  it('uses a connection again for the next part', async () => {
    const { servers, proxy } = await startTroubled(() => PASS);
    await createUploader({ ...servers, concurrency: 2, partSizeBytes: 5 * MIB }).upload(randomBytes(40 * MIB))
      .result;
    expect(proxy.puts).toHaveLength(8);
    expect(proxy.connections()).toBe(2);
  });
});

/** A coordinator whose answers are lost: the call is made, and then the connection breaks. */
function losing(
  servers: TestServers,
  shouldLose: (request: Request, count: number) => boolean,
): CoordinatorFetch {
  const counts = new Map<string, number>();
  return async (request) => {
    const { pathname } = new URL(request.url);
    const count = counts.get(pathname) ?? 0;
    counts.set(pathname, count + 1);
    const isLost = shouldLose(request, count);
    const answer = await servers.coordinator(request);
    if (isLost) throw new TypeError('fetch failed');
    return answer;
  };
}

describe('a coordinator in trouble', () => {
  it('makes one upload although the first answer to every call is lost', async () => {
    const bytes = randomBytes(50 * MIB);
    const servers = await startPlain();
    const created = new Set<string>();
    const lossy = losing(servers, (_request, count) => count === 0);
    const coordinator: CoordinatorFetch = async (request) => {
      const answer = await lossy(request);
      const { uploadId } = (await answer.clone().json()) as { uploadId?: string };
      if (uploadId) created.add(uploadId);
      return answer;
    };
    const upload = createUploader({ coordinator, retry: FAST }).upload(bytes);
    await expectStored(upload, bytes, servers);
    expect(created.size).toBe(1);
    expect(await servers.openUploads()).toBe(0);
  });

  it('says that it was the coordinator that gave no answer', async () => {
    const uploader = createUploader({
      coordinator: 'http://127.0.0.1:1/base?secret=1',
      retry: { ...FAST, maxAttempts: 2 },
    });
    const failure = await uploader.upload(randomBytes(10)).result.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(String(failure)).toMatch(/coordinator .*http:\/\/127\.0\.0\.1:1\/base.*resume/);
    expect(String(failure)).not.toContain('secret');
  });

  it('is given up at once, and not by each part in turn', async () => {
    const servers = await startPlain();
    let calls = 0;
    const coordinator: CoordinatorFetch = async (request) => {
      if (request.url.endsWith('/parts')) {
        calls++;
        throw new TypeError('fetch failed');
      }
      const answer = await servers.coordinator(request);
      return Response.json({ ...((await answer.json()) as object), grants: [] }, { status: answer.status });
    };
    const upload = createUploader({ coordinator, concurrency: 8, retry: { ...FAST, maxAttempts: 4 } }).upload(
      randomBytes(80 * MIB),
    );
    await expect(upload.result).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    // One part's attempts, and those of the part whose turn came before the failure was known.
    expect(calls).toBeLessThanOrEqual(2 * 4);
  });

  it('is not taken for one when it answers like something else', async () => {
    const uploader = createUploader({
      coordinator: () => new Response('<h1>Not found</h1>', { status: 404 }),
      retry: FAST,
    });
    await expect(uploader.upload(randomBytes(10)).result).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      status: 404,
      problem: undefined,
    });
  });

  it('gets a fresh token when the old one is over', async () => {
    const bytes = randomBytes(21 * MIB);
    const servers = await startPlain();
    let isExpired = false;
    const coordinator: CoordinatorFetch = async (request) => {
      if (request.url.endsWith('/complete') && !isExpired) {
        isExpired = true;
        return Response.json({ code: 'token-expired', detail: 'old', status: 401 }, { status: 401 });
      }
      return await servers.coordinator(request);
    };
    await expectStored(createUploader({ coordinator, retry: FAST }).upload(bytes), bytes, servers);
    expect(isExpired).toBe(true);
  });

  it('may take its time to complete', async () => {
    const bytes = randomBytes(300_000);
    const servers = await startPlain();
    let asked = 0;
    const coordinator: CoordinatorFetch = async (request) => {
      if (request.url.endsWith('/complete') && asked++ < 2) {
        return Response.json({ state: 'COMPLETING', retryAfterSeconds: 0.01 }, { status: 202 });
      }
      return await servers.coordinator(request);
    };
    await expectStored(createUploader({ coordinator }).upload(bytes), bytes, servers);
    expect(asked).toBe(3);
  });

  it('may take smaller payloads than are sent', async () => {
    const bytes = randomBytes(200_000);
    const servers = await startServers({ inlineMaxBytes: 1_000 });
    cleanUps.push(() => servers.stop());
    const upload = createUploader(servers).upload(bytes);
    await expectStored(upload, bytes, servers);
    expect(upload.state.upload?.mode).toBe('single');
  });

  it('may have ended the upload', async () => {
    const servers = await startPlain();
    const options: NodeUploaderOptions = {
      ...servers,
      concurrency: 1,
      partSizeBytes: 5 * MIB,
      maxBytesPerSecond: 50 * MIB,
    };
    const bytes = randomBytes(60 * MIB);
    const upload = createUploader(options).upload(bytes);
    let ending: Promise<unknown> | undefined;
    upload.on('part', ({ isStored }) => {
      // Another device of the same owner joins the upload by its content, and cancels it.
      if (isStored) ending ??= joinAndCancel();
    });
    const joinAndCancel = async (): Promise<void> => {
      const other = createUploader(servers).upload(bytes);
      await new Promise<void>((resolve) => other.on('state', () => resolve()));
      await expect(Promise.all([other.cancel(), other.result])).rejects.toMatchObject({ code: 'CANCELLED' });
    };
    await expect(upload.result).rejects.toMatchObject({
      code: 'UPLOAD_ENDED',
      problem: { code: 'upload-cancelled' },
    });
    await ending;
  });

  it('refuses what it must, with its problem', async () => {
    const servers = await startServers({ maxSizeBytes: 1_000 });
    cleanUps.push(() => servers.stop());
    await expect(createUploader(servers).upload(randomBytes(1_001)).result).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem: { code: 'size-too-large', status: 413 },
    });
  });
});
