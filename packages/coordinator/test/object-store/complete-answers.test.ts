import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3ObjectStoreOptions } from '../../src/s3-object-store.ts';
import { type Answer, errorXml, openRawS3, type RawS3, say } from './raw-s3-server.ts';

const ETAG = '"0123456789abcdef0123456789abcdef-2"';
const COMPLETE = {
  key: 'a/b',
  s3UploadId: 'u',
  sizeBytes: 11,
  parts: [
    { partNumber: 1, sizeBytes: 10, etag: '"a"' },
    { partNumber: 2, sizeBytes: 1, etag: '"b"' },
  ],
};

function resultXml(etag: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>bucket</Bucket><Key>a/b</Key><ETag>${etag.replaceAll('"', '&quot;')}</ETag></CompleteMultipartUploadResult>`;
}

const SPACE: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.write(' ');
};

describe('answers to CompleteMultipartUpload', () => {
  let raw: RawS3;
  afterEach(async () => {
    await raw.close();
  });

  async function complete(answer: Answer, options?: Partial<S3ObjectStoreOptions>): Promise<object> {
    raw = await openRawS3(answer, options);
    return raw.objectStore.completeMultipartUpload(COMPLETE);
  }

  it.each<[string, Answer]>([
    ['an ETag for the number of parts', say(200, resultXml(ETAG))],
    ['an ETag without its quotes', say(200, resultXml(ETAG.replaceAll('"', '')))],
    ['white space before the result', say(200, `  \n \n${resultXml(ETAG).replace(/^.*\n/, '')}`)],
  ])('stored: %s', async (_name, answer) => {
    expect(await complete(answer)).toEqual({ kind: 'stored', etag: ETAG });
    expect(raw.seen).toHaveLength(1);
  });

  it('stored: with the version that was made', async () => {
    const answer = say(200, resultXml(ETAG), { 'x-amz-version-id': 'v1' });
    expect(await complete(answer)).toEqual({ kind: 'stored', etag: ETAG, versionId: 'v1' });
  });

  it.each<[string, Answer]>([
    ['200 with an error', say(200, errorXml('InternalError'))],
    ['200 with an error and a newline', say(200, `${errorXml('InternalError')}\n`)],
    ['200 with an error of the 4xx kind', say(200, errorXml('InvalidPart'))],
    [
      'a page of a proxy',
      say(200, '<html><body>Please log in</body></html>', { 'content-type': 'text/html' }),
    ],
    ['text that is no XML', say(200, 'OK')],
    ['an empty body', say(200)],
    ['204', say(204)],
    ['white space only', say(200, ' \n ')],
    ['an empty ETag', say(200, resultXml(''))],
    ['no ETag', say(200, '<CompleteMultipartUploadResult><Key>a/b</Key></CompleteMultipartUploadResult>')],
    ['an ETag of another number of parts', say(200, resultXml('"0123456789abcdef0123456789abcdef-3"'))],
    ['the ETag of a single PUT', say(200, resultXml('"0123456789abcdef0123456789abcdef"'))],
    ['a result cut in the middle', say(200, resultXml(ETAG).slice(0, 150))],
    ['500', say(500, errorXml('InternalError'))],
    ['503', say(503, errorXml('SlowDown'))],
    ['a gateway that gave up', say(504, '<html>gateway timeout</html>')],
    ['an upload that is gone', say(404, errorXml('NoSuchUpload'))],
    ['an object that is there', say(412, errorXml('PreconditionFailed'))],
    ['a conflicting request', say(409, errorXml('ConditionalRequestConflict'))],
    ['408', say(408, errorXml('RequestTimeout'))],
    ['RequestTimeout as 400', say(400, errorXml('RequestTimeout'))],
    ['429', say(429, errorXml('TooManyRequests'))],
    ['a refusal by a proxy', say(403, '<html>blocked</html>', { 'content-type': 'text/html' })],
    ['4xx without a body', say(400)],
    ['a redirect', say(301, errorXml('PermanentRedirect'))],
    ['a connection cut at once', (response) => response.destroy()],
    [
      'a connection cut after white space',
      (response, request) => {
        SPACE(response, request);
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ])('unknown: %s', async (_name, answer) => {
    expect(await complete(answer)).toEqual({ kind: 'unknown', reason: expect.stringMatching(/./) });
    expect(raw.seen).toHaveLength(1);
  });

  it.each([
    ['InvalidPart', 400],
    ['InvalidPartOrder', 400],
    ['EntityTooSmall', 400],
    ['BadDigest', 400],
    ['AccessDenied', 403],
    ['NoSuchBucket', 404],
  ])('refused: %s', async (s3Code, status) => {
    expect(await complete(say(status, errorXml(s3Code)))).toEqual({
      kind: 'refused',
      s3Code,
      message: `${s3Code} (HTTP ${status}) in words`,
    });
    expect(raw.seen).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['silence', () => {}],
    ['one space, then silence', SPACE],
    [
      'white space without end',
      (response, request) => {
        SPACE(response, request);
        const dripping = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(dripping));
      },
    ],
  ])('unknown at the deadline: %s', async (_name, answer) => {
    let closed = 0;
    const watched: Answer = (response, request) => {
      response.on('close', () => (closed += 1));
      answer(response, request);
    };
    expect(await complete(watched, { completeTimeoutMs: 200 })).toEqual({
      kind: 'unknown',
      reason: 'no answer within 200 ms',
    });
    expect(raw.seen).toHaveLength(1);
    while (closed === 0) await sleep(5);
  });

  it('waits for a slow assembly far beyond the read timeout', async () => {
    const answer: Answer = (response, request) => {
      setTimeout(() => SPACE(response, request), 150);
      setTimeout(() => response.end(resultXml(ETAG).replace(/^.*\n/, '')), 400);
    };
    expect(await complete(answer, { readTimeoutMs: 50, completeTimeoutMs: 20_000 })).toMatchObject({
      kind: 'stored',
    });
  });

  it('unknown: nobody listens', async () => {
    raw = await openRawS3(say(200));
    await raw.close();
    expect(await raw.objectStore.completeMultipartUpload(COMPLETE)).toEqual({
      kind: 'unknown',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('tells the size of the whole, the parts and what the profile allows', async () => {
    await complete(say(200, resultXml(ETAG)));
    const [request] = raw.seen;
    expect(request?.headers).toMatchObject({ 'x-amz-mp-object-size': '11' });
    expect(request?.headers).not.toHaveProperty('if-none-match');
    expect(request?.body).toMatch(/<PartNumber>1<\/PartNumber>.*<PartNumber>2<\/PartNumber>/s);
  });
});
