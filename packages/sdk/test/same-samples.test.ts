import { createHash, randomBytes } from 'node:crypto';
import type { CreateUploadResponse, PartsResponse } from '@longhaul/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type CoordinatorFetch, createUploader, type ResumeHint, type ResumeStore } from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';
import { startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const PART_BYTES = 5 * MIB;
const before = randomBytes(30 * MIB);
/** Between the samples that the fingerprint is made of. */
const after = Buffer.from(before);
after[7 * MIB] = 255 - before[7 * MIB]!;
const EDITED_PART = 2;

const STORES = [
  ['CRCs of the whole', {}],
  ['MD5s of parts', { fullObjectChecksums: [] }],
] as const;

let servers: TestServers;
/** What went wrong on the way: to an uploader it would look like a call that got lost, and is made again. */
let troubles: unknown[] = [];
afterEach(async () => {
  await servers.stop();
  expect(troubles.splice(0)).toEqual([]);
});

interface Call {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An uploader behind which something happens before some call, once for each time that it is answered. */
function uploaderWith(
  onTheWay: (call: Call) => Promise<void> | void,
  resumeStore?: ResumeStore,
): ReturnType<typeof createUploader> {
  const coordinator: CoordinatorFetch = async (request) => {
    const { pathname } = new URL(request.url);
    const text = await request.clone().text();
    const body = JSON.parse(text || '{}') as Call['body'];
    try {
      await onTheWay({ path: pathname.replace('/v1/uploads', ''), body });
    } catch (error) {
      troubles.push(error);
    }
    return await servers.coordinator(request);
  };
  const hints = resumeStore ? { resumeStore } : {};
  return createUploader({ coordinator, partSizeBytes: PART_BYTES, concurrency: 1, ...hints });
}

/** Does something once, before the first complete. */
function beforeComplete(work: (create: Call['body']) => Promise<unknown>): (call: Call) => Promise<void> {
  let create: Call['body'] | undefined;
  let isDone = false;
  return async ({ path, body }) => {
    if (path === '') create ??= body;
    if (!path.endsWith('/complete') || isDone || !create) return;
    isDone = true;
    await work(create);
  };
}

async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const url = `http://127.0.0.1/v1/uploads${path}`;
  const answer = await servers.coordinator(new Request(url, { method: 'POST', body: JSON.stringify(body) }));
  return (await answer.json()) as Answer;
}

/** What a run that is dead by now has sent of the old content, and what it says of that. */
async function lateWords(create: Call['body']): Promise<void> {
  const { uploadId, token, checksumAlgorithm } = await post<CreateUploadResponse>('', create);
  const bytes = before.subarray(PART_BYTES, 2 * PART_BYTES);
  const value = createHash('md5').update(bytes).digest('base64');
  expect(checksumAlgorithm).toBe('MD5');
  const part = {
    partNumber: EDITED_PART,
    sizeBytes: PART_BYTES,
    checksum: { algorithm: 'MD5', value },
  } as const;
  const { grants } = await post<PartsResponse>('/parts', { uploadId, token, sign: [part] });
  const [{ url, headers }] = grants as [PartsResponse['grants'][number]];
  const { status, headers: answered } = await fetch(url, { method: 'PUT', headers, body: bytes });
  expect(status).toBe(200);
  await post('/parts', { uploadId, token, report: [{ ...part, etag: answered.get('etag') }] });
}

function createHints(): ResumeStore {
  const hints = new Map<string, ResumeHint>();
  return {
    find: async (key) => hints.get(key),
    remember: async (key, hint) => void hints.set(key, hint),
    forget: async (key) => void hints.delete(key),
  };
}

async function expectStored(key: string, content: Uint8Array): Promise<void> {
  expect(Buffer.compare(await servers.read(key), content)).toBe(0);
}

describe.each(STORES)('two contents with equal samples, where the store has %s', (_what, profile) => {
  it('become an object each, when one is completed while the other waits for it', async () => {
    servers = await startServers({ profile });
    let other: Promise<{ key: string; uploadId: string }> | undefined;
    const upload = uploaderWith(
      beforeComplete(() => (other = uploaderWith(() => {}).upload(before).result)),
    ).upload(after);
    const mine = await upload.result;
    const theirs = await other!;
    expect(theirs.uploadId).not.toBe(mine.uploadId);
    await expectStored(theirs.key, before);
    await expectStored(mine.key, after);
  });

  it('become an object each, when the second one finds that of the first under its own hint', async () => {
    servers = await startServers({ profile });
    const hints = createHints();
    // The answer is lost, and so is who waited for it: its hint stays.
    const keeping: ResumeStore = { ...hints, forget: () => Promise.resolve() };
    const first = await uploaderWith(() => {}, keeping).upload(before).result;
    const again = await uploaderWith(() => {}, keeping).upload(before).result;
    expect(again).toEqual(first);
    const second = await uploaderWith(() => {}, hints).upload(after).result;
    expect(second.uploadId).not.toBe(first.uploadId);
    await expectStored(first.key, before);
    await expectStored(second.key, after);
    expect(await servers.countObjects()).toBe(2);
  });
});

describe('where the store has MD5s of parts', () => {
  const profile = { fullObjectChecksums: [] };

  it('sends again what a dead run of the old content has replaced, and nothing else', async () => {
    servers = await startServers({ profile });
    const upload = uploaderWith(beforeComplete(lateWords)).upload(after);
    const sent: number[] = [];
    upload.on('part', ({ partNumber, isStored }) => {
      if (isStored) sent.push(partNumber);
    });
    const { key, proof, checksum } = await upload.result;
    await expectStored(key, after);
    expect([proof, checksum?.value]).toEqual(['checksum', expect.stringMatching(/==-6$/)]);
    expect(sent).toEqual([1, 2, 3, 4, 5, 6, EDITED_PART]);
    expect(await servers.countObjects()).toBe(1);
  });

  it('gets an upload of its own when somebody replaces its parts again and again', async () => {
    servers = await startServers({ profile });
    let create: Call['body'] | undefined;
    const uploader = uploaderWith(async ({ path, body }) => {
      if (path === '') create ??= body;
      const isFirst = create?.['createId'] !== undefined && path.endsWith('/complete');
      if (isFirst && body['uploadId'] === (await post<CreateUploadResponse>('', create)).uploadId)
        await lateWords(create!);
    });
    const { key } = await uploader.upload(after).result;
    await expectStored(key, after);
  });

  it('goes on as before with a coordinator that knows no composites', async () => {
    servers = await startServers({ profile });
    const refused: unknown[] = [];
    const coordinator: CoordinatorFetch = async (request) => {
      const text = await request.clone().text();
      if (!text.includes('==-')) return await servers.coordinator(request);
      refused.push(text);
      return Response.json({ status: 400, code: 'bad-request', detail: 'no such checksum' }, { status: 400 });
    };
    const uploader = createUploader({ coordinator, partSizeBytes: PART_BYTES });
    for (const content of [before, randomBytes(11 * MIB)])
      await expectStored((await uploader.upload(content).result).key, content);
    expect(refused).toHaveLength(1);
  });

  it('tells no composite where it cannot read ETags, which need not be MD5s', async () => {
    let proxy: StoreProxy | undefined;
    const publicEndpoint = async (storeUrl: string): Promise<string> => {
      proxy = await startStoreProxy(storeUrl, (partNumber) =>
        partNumber === 3 ? { kind: 'hide-etag' } : { kind: 'pass' },
      );
      return proxy.url;
    };
    servers = await startServers({ profile, publicEndpoint });
    const told: unknown[] = [];
    const uploader = uploaderWith(({ path, body }) => {
      if (path.endsWith('/complete')) told.push(body['checksum']);
    });
    await expectStored((await uploader.upload(before).result).key, before);
    expect(told).toEqual([undefined]);
    await proxy?.stop();
  });
});
