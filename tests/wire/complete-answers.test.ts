import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { errorXml, type Ending, type Fault, http, PASS, type Passing } from './support/wire.ts';
import { sha256, startWorld, type World, type WorldOptions } from './support/world.ts';

const MIB = 1024 ** 2;
const content = randomBytes(5 * MIB + 1_000);
const SPACES =
  'HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ntransfer-encoding: chunked\r\n\r\n2\r\n \n\r\n';

function resultXml(etag: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>uploads</Bucket><Key>k</Key>${etag}</CompleteMultipartUploadResult>`;
}

/** Answers that say nothing: what has happened has to be found out. */
const UNKNOWN: [name: string, bytes: string, ending?: Ending][] = [
  ['200 with white space and an error', http(200, `  \n${errorXml('InternalError').replace(/^.*\n/, '')}`)],
  ['200 with an error and a newline', http(200, `${errorXml('InternalError')}\n`)],
  ['200 with an error that would be a refusal', http(200, errorXml('InvalidPart'))],
  ['a page of a proxy', http(200, '<html><body>Please log in</body></html>', 'text/html')],
  ['200 without a body', http(200, '')],
  ['white space and no more', http(200, ' \n ')],
  ['a result without an ETag', http(200, resultXml(''))],
  ['a result with an empty ETag', http(200, resultXml('<ETag></ETag>'))],
  [
    'the ETag of other parts',
    http(200, resultXml('<ETag>&quot;00000000000000000000000000000000-7&quot;</ETag>')),
  ],
  [
    'a result that is not true',
    http(200, resultXml('<ETag>&quot;00000000000000000000000000000000-2&quot;</ETag>')),
  ],
  ['white space, then a cut', SPACES, 'cut'],
  ['a result that is cut', `${SPACES}20\r\n${resultXml('').slice(0, 32)}\r\n`, 'cut'],
  ['a cut at once', '', 'cut'],
  ['silence', '', 'hang'],
  ['white space, then silence', SPACES, 'hang'],
  ['500, as Ceph says it of an id that is spent', http(500, errorXml('InternalError'))],
  ['503', http(503, errorXml('SlowDown'))],
  ['a gateway that gave up', http(504, '<html>gateway timeout</html>', 'text/html')],
  ['an upload that is gone', http(404, errorXml('NoSuchUpload'))],
  ['an object that is there', http(412, errorXml('PreconditionFailed'))],
  ['a request that met another', http(409, errorXml('ConditionalRequestConflict'))],
  ['a request that was too slow', http(400, errorXml('RequestTimeout'))],
];

/** Answers by which a store says that it has built nothing. */
const REFUSALS: [s3Code: string, bytes: string][] = [
  ['InvalidPart', http(400, errorXml('InvalidPart'))],
  ['EntityTooSmall', http(400, errorXml('EntityTooSmall'))],
  ['AccessDenied', http(403, errorXml('AccessDenied'))],
];

const isComplete = ({ method, url }: Passing): boolean =>
  method === 'POST' && url.searchParams.has('uploadId');

interface UploadWishes extends Pick<WorldOptions, 'nowEpochMs'> {
  readonly isLasting?: boolean;
  /** What befalls the coordinator's other calls. */
  readonly faultOf?: (passing: Passing) => Fault;
  /** Happens before the client learns what its complete was answered. */
  readonly afterComplete?: (world: World, uploadId: string) => Promise<void>;
}

/** Uploads by the real SDK; the first CompleteMultipartUpload, and with `isLasting` each one, is answered so. */
async function upload(
  said: { readonly bytes: string; readonly ending?: Ending | undefined; readonly isBuilt: boolean },
  { isLasting = false, faultOf = () => PASS, afterComplete, ...more }: UploadWishes = {},
) {
  let completesSent = 0;
  const fault: Fault = {
    kind: 'say',
    isAsked: said.isBuilt,
    bytes: said.bytes,
    ending: said.ending ?? 'end',
  };
  const statuses: number[] = [];
  const world = await startWorld({
    coordinatorToStore: (passing) => {
      if (isComplete(passing) && (completesSent++ === 0 || isLasting)) return fault;
      return faultOf(passing);
    },
    store: { completeTimeoutMs: 1_000, maxAttempts: 1 },
    ...more,
  });
  const uploader = createUploader({
    coordinator: async (request) => {
      const body = await request.text();
      const answer = await fetch(request.url.replace('http://localhost', world.coordinator), {
        method: request.method,
        headers: request.headers,
        body,
      });
      if (request.url.endsWith('/complete')) {
        statuses.push(answer.status);
        await afterComplete?.(world, (JSON.parse(body) as { uploadId: string }).uploadId);
      }
      return answer;
    },
    partSizeBytes: 5 * MIB,
  });
  const handle = uploader.upload(content);
  const states: string[] = [];
  handle.on('state', ({ kind }) => states.push(kind));
  const end = await handle.result.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  return { world, uploader, handle, end, states, statuses, completesSent: () => completesSent };
}

type Uploaded = Awaited<ReturnType<typeof upload>>;

/** The client, the row, the event and the object say the same. */
async function expectWhole({ world, handle, end, states }: Uploaded): Promise<void> {
  expect(end).toMatchObject({ result: { sizeBytes: content.byteLength, partCount: 2, proof: 'checksum' } });
  const { etag, key } = await handle.result;
  expect(etag).toMatch(/^"(?!0{32})[0-9a-f]{32}-2"$/);
  expect(await world.catalog.find(handle.uploadId!)).toMatchObject({ state: 'COMPLETED', etag });
  expect(await world.events()).toMatchObject([
    { type: 'io.longhaul.upload.completed.v1', data: { etag, key } },
  ]);
  expect(await world.hashOf(key)).toBe(sha256(content));
  expect(await world.openUploads()).toBe(0);
  expect(states).not.toContain('failed');
}

describe.concurrent('an answer to Complete that says nothing', () => {
  it.each<[string, string, Ending?]>(UNKNOWN)('and the object is there: %s', async (_name, bytes, ending) => {
    const uploaded = await upload({ bytes, ending, isBuilt: true });
    await expectWhole(uploaded);
    // The first proof was enough: nothing was sent twice, nobody had to wait.
    expect(uploaded.completesSent()).toBe(1);
    expect(uploaded.statuses).toEqual([200]);
    await uploaded.world.stop();
  });

  it.each<[string, string, Ending?]>(UNKNOWN)('and there is none: %s', async (_name, bytes, ending) => {
    const uploaded = await upload({ bytes, ending, isBuilt: false });
    await expectWhole(uploaded);
    expect(uploaded.completesSent()).toBe(2);
    expect(uploaded.statuses).toMatchObject({ 0: 202 });
    expect(new Set(uploaded.statuses)).toEqual(new Set([202, 200]));
    await uploaded.world.stop();
  });
});

describe.concurrent('a refusal of Complete', () => {
  it.each(REFUSALS)('is not believed before the object: %s', async (_name, bytes) => {
    const uploaded = await upload({ bytes, isBuilt: true });
    await expectWhole(uploaded);
    expect(uploaded.completesSent()).toBe(1);
    await uploaded.world.stop();
  });

  it.each(REFUSALS)('opens the upload again, and the SDK asks anew: %s', async (_name, bytes) => {
    const uploaded = await upload({ bytes, isBuilt: false });
    await expectWhole(uploaded);
    expect(uploaded.statuses).toEqual([409, 200]);
    await uploaded.world.stop();
  });

  it.each(REFUSALS)('that lasts is told as it is, and loses nothing: %s', async (s3Code, bytes) => {
    const uploaded = await upload({ bytes, isBuilt: false }, { isLasting: true });
    const { world, handle, end } = uploaded;
    expect(end).toMatchObject({
      error: { code: 'COORDINATOR_REFUSED', problem: { code: 'completion-refused', s3Code } },
    });
    expect(await world.catalog.find(handle.uploadId!)).toMatchObject({ state: 'UPLOADING' });
    expect(await world.events()).toEqual([]);
    expect(await world.openUploads()).toBe(1);
    await world.stop();
  });
});

describe.concurrent('a proof that cannot be had', () => {
  it('changes nothing while HEAD fails, and is had once it answers', async () => {
    let headsToFail = 2;
    const failingHead = ({ method }: Passing): Fault =>
      method === 'HEAD' && headsToFail-- > 0
        ? {
            kind: 'say',
            isAsked: false,
            bytes: 'HTTP/1.1 500 So\r\ncontent-length: 0\r\n\r\n',
            ending: 'end',
          }
        : PASS;
    const uploaded = await upload({ bytes: '', ending: 'cut', isBuilt: true }, { faultOf: failingHead });
    await expectWhole(uploaded);
    expect(uploaded.completesSent()).toBe(1);
    expect(uploaded.statuses[0]).toBe(202);
    await uploaded.world.stop();
  });
});

describe('an upload that ended behind our back', () => {
  it('has failed once the store has shown neither it nor an object for long, and not before', async () => {
    let aheadMs = 0;
    const seen: (string | undefined)[] = [];
    const uploaded = await upload(
      { bytes: http(404, errorXml('NoSuchUpload')), isBuilt: false },
      {
        nowEpochMs: () => Date.now() + aheadMs,
        async afterComplete(world, uploadId) {
          await world.abortAll();
          const row = await world.catalog.find(uploadId);
          seen.push(row?.state);
          // The second look comes minutes later, the third after the time in which an object might still appear.
          aheadMs += seen.length === 1 ? 300_000 : 900_000;
        },
      },
    );
    const { world, handle, end } = uploaded;
    expect(seen).toEqual(['COMPLETING', 'COMPLETING', 'FAILED']);
    expect(end).toMatchObject({ error: { code: 'UPLOAD_ENDED', problem: { code: 'upload-failed' } } });
    expect(await world.catalog.find(handle.uploadId!)).toMatchObject({ state: 'FAILED' });
    expect((await world.events()).map(({ type }) => type)).toEqual(['io.longhaul.upload.failed.v1']);
    expect(await world.hashOf(`connectors/default/${handle.uploadId}`)).toBeUndefined();
    await world.stop();
  });
});
