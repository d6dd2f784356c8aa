import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CoordinatorFetch, createUploader, type NodeUploaderOptions } from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;
const content = randomBytes(16 * MIB);
/** Of it, as the SDK cuts it. */
const PARTS = 3;

let servers: TestServers;
let calls: string[];
beforeEach(async () => {
  servers = await startServers();
  calls = [];
});
afterEach(() => servers.stop());

/** What is on the way of a call: `undefined` lets it pass. */
type OnTheWay = (path: string, body: Readonly<Record<string, unknown>>) => Response | undefined;

function uploaderThrough(onTheWay: OnTheWay = () => undefined, options: Partial<NodeUploaderOptions> = {}) {
  const coordinator: CoordinatorFetch = async (request) => {
    const path = new URL(request.url).pathname.replace(/[0-9a-f-]{36}/, ':id').replace('/v1/uploads', '');
    const text = await request.clone().text();
    const answer = onTheWay(path, JSON.parse(text || '{}') as Record<string, unknown>);
    calls.push(answer ? `${path} ${answer.status}` : path);
    return answer ?? (await servers.coordinator(request));
  };
  return createUploader({ coordinator, ...options });
}

const problem = (status: number, code: string): Response =>
  Response.json({ status, code, detail: 'as it is said' }, { status });

/** A coordinator from before: members and paths that it does not know are refused. */
const older: OnTheWay = (path, body) =>
  path === '' && body['sign']
    ? problem(400, 'bad-request')
    : path === '/parts' || path === '/complete'
      ? problem(404, 'route-not-found')
      : path.endsWith('/complete') && body['report']
        ? problem(400, 'bad-request')
        : undefined;

async function expectStored(uploader: ReturnType<typeof uploaderThrough>): Promise<void> {
  const { key, proof } = await uploader.upload(content, { resume: false }).result;
  expect(proof).toBe('checksum');
  expect(Buffer.compare(await servers.read(key), content)).toBe(0);
}

describe('an upload of a few parts', () => {
  it('is two calls, the first one as well as later ones', async () => {
    let asking = 0;
    let reported = 0;
    const uploader = uploaderThrough((path, { sign, report }) => {
      if (path === '/parts' && (sign as unknown[]).length > 0) asking++;
      reported += (report as unknown[] | undefined)?.length ?? 0;
      return undefined;
    });
    const askedBy = async (): Promise<number> => {
      asking = 0;
      await expectStored(uploader);
      return asking;
    };
    // A machine that is busy with others may digest too late for the first call, once in a while.
    const first = Math.min(await askedBy(), await askedBy(), await askedBy());
    expect(first).toBe(0);
    // Nothing is left for the coordinator to look up at the store.
    expect(reported).toBe(3 * PARTS);
    // What is stored is told in between only if all of it takes long.
    expect(calls.filter((path) => path !== '/parts')).toEqual([
      '',
      '/complete',
      '',
      '/complete',
      '',
      '/complete',
    ]);
  });

  it('asks for nothing in a call that a page would have to ask permission for', async () => {
    const types: (string | null)[] = [];
    const headers = async (request: Request): Promise<Response> => {
      types.push(request.headers.get('content-type'), request.headers.get('longhaul-token'));
      return await servers.coordinator(request);
    };
    await createUploader({ coordinator: headers }).upload(content).result;
    expect(new Set(types)).toEqual(new Set(['text/plain', null]));
    types.length = 0;
    await createUploader({ coordinator: headers, headers: { authorization: 'Bearer x' } }).upload(content)
      .result;
    expect(new Set(types)).toEqual(new Set(['application/json', null]));
  });

  it('asks for the parts with a call of their own where the coordinator wants other digests, and learns', async () => {
    await servers.stop();
    servers = await startServers({ profile: { fullObjectChecksums: ['CRC64NVME'] } });
    const uploader = uploaderThrough();
    await uploader.upload(content, { resume: false }).result;
    expect(calls).toContain('/parts');
    calls = [];
    await expectStored(uploader);
    expect(calls.slice(0, 1)).toEqual(['']);
    expect(calls.indexOf('/parts')).not.toBe(1);
  });

  it('does not take the parts of its own plan for those of the upload that it goes on with', async () => {
    const controller = new AbortController();
    const first = uploaderThrough(undefined, { partSizeBytes: 8 * MIB }).upload(content, {
      signal: controller.signal,
    });
    first.on('part', ({ isStored }) => isStored && controller.abort());
    await first.result.catch(() => undefined);
    const { key } = await uploaderThrough(undefined, { partSizeBytes: 5 * MIB }).upload(content).result;
    expect(Buffer.compare(await servers.read(key), content)).toBe(0);
  });
});

describe('a coordinator from before', () => {
  it('is asked as it knows it, at once after it was met', async () => {
    const uploader = uploaderThrough(older);
    await expectStored(uploader);
    expect(calls.slice(0, 2)).toEqual([' 400', '']);
    calls = [];
    await expectStored(uploader);
    expect(calls.filter((path) => / 4/.test(path))).toEqual([]);
    expect(calls).toContain('/:id/complete');
  });

  it('is asked again while it completes, although it takes no reports any more', async () => {
    let isCompleting = false;
    const uploader = uploaderThrough((path, body) => {
      if (isCompleting && path === '/:id/parts') return problem(409, 'upload-completing');
      if (isCompleting || path !== '/:id/complete') return older(path, body);
      isCompleting = true;
      return Response.json({ state: 'COMPLETING', retryAfterSeconds: 1 }, { status: 202 });
    });
    await expectStored(uploader);
    expect(calls.slice(-3)).toEqual(['/:id/complete 202', '/:id/parts 409', '/:id/complete']);
  });

  it('may be the next one that a load balancer asks, in the middle of an upload', async () => {
    let isOlder = false;
    const uploader = uploaderThrough((path, body) => (isOlder ? older(path, body) : undefined));
    const upload = uploader.upload(content);
    upload.on('part', () => (isOlder = true));
    const { key } = await upload.result;
    expect(calls).toContain('/complete 404');
    expect(calls.at(-1)).toBe('/:id/complete');
    expect(Buffer.compare(await servers.read(key), content)).toBe(0);
  });

  it('may stand behind a gateway that lets only known paths through, and says so in a page', async () => {
    const html = (): Response => new Response('<h1>Forbidden</h1>', { status: 403 });
    await expectStored(uploaderThrough((path) => (/^.(parts|complete)$/.test(path) ? html() : undefined)));
  });

  it('is not suspected where a request is wrong in both forms', async () => {
    const uploader = uploaderThrough((path) => (path === '' ? problem(400, 'bad-request') : undefined));
    await expect(uploader.upload(content).result).rejects.toMatchObject({ problem: { code: 'bad-request' } });
    expect(calls).toEqual([' 400', ' 400']);
  });
});
