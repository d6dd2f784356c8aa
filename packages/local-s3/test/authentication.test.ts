import { ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PresignInput, TestServer } from './test-server.ts';
import { BUCKET, CREDENTIALS, createClient, elementText, errorCode, startServer } from './test-server.ts';

const START = Date.parse('2026-11-23T12:00:00Z');
const MINUTE_MS = 60_000;
const PATH = `/${BUCKET}/key`;

let server: TestServer;
let now = START;
beforeAll(async () => {
  server = await startServer('memory', { now: () => now });
});
afterAll(() => server.close());

const put = async (
  input: Partial<PresignInput> = {},
  { body = 'x', headers = {}, change = (url: string) => url } = {},
): Promise<Response> => {
  now = START;
  const url = await server.presign({ method: 'PUT', path: PATH, signedAt: new Date(START), ...input });
  return await fetch(change(url), { method: 'PUT', body, headers });
};

describe('presigned URLs', () => {
  test('are good until their last second', async () => {
    const url = await server.presign({
      method: 'PUT',
      path: PATH,
      signedAt: new Date(START),
      expiresInSeconds: 60,
    });
    now = START + MINUTE_MS;
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200);
    now = START + MINUTE_MS + 1;
    const expired = await fetch(url, { method: 'PUT', body: 'x' });
    expect(expired.status).toBe(403);
    const xml = await expired.text();
    expect(elementText(xml, 'Code')).toBe('AccessDenied');
    expect(elementText(xml, 'Message')).toBe('Request has expired');
    expect(elementText(xml, 'X-Amz-Expires')).toBe('60');
    expect(elementText(xml, 'Expires')).toBe('2026-11-23T12:01:00Z');
    expect(elementText(xml, 'ServerTime')).toBe('2026-11-23T12:01:00Z');
  });

  test('from the future are not yet valid', async () => {
    expect((await put({ signedAt: new Date(START + 14 * MINUTE_MS) })).status).toBe(200);
    const early = await put({ signedAt: new Date(START + 16 * MINUTE_MS) });
    expect(early.status).toBe(403);
    expect(elementText(await early.text(), 'Message')).toBe('Request is not yet valid');
  });

  test('of another key, secret or region', async () => {
    const unknown = await put({ credentials: { ...CREDENTIALS, accessKeyId: 'unknown' } });
    expect(unknown.status).toBe(403);
    expect(await errorCode(unknown)).toBe('InvalidAccessKeyId');
    const forged = await put({ credentials: { ...CREDENTIALS, secretAccessKey: 'guess' } });
    expect(forged.status).toBe(403);
    expect(await errorCode(forged)).toBe('SignatureDoesNotMatch');
    const abroad = await put({ region: 'eu-west-1' });
    expect(abroad.status).toBe(400);
    const xml = await abroad.text();
    expect(elementText(xml, 'Code')).toBe('AuthorizationQueryParametersError');
    expect(elementText(xml, 'Region')).toBe('us-east-1');
  });

  test('are bound to method, path, query and signed headers', async () => {
    const mismatch = async (response: Promise<Response>) =>
      expect(await errorCode(await response)).toBe('SignatureDoesNotMatch');
    await mismatch(put({ method: 'GET' }));
    await mismatch(put({}, { change: (url) => url.replace('/key?', '/other?') }));
    await mismatch(put({}, { change: (url) => `${url}&versionId=null` }));
    await mismatch(put({}, { change: (url) => url.replace(/X-Amz-Signature=./, 'X-Amz-Signature=z') }));
    await mismatch(put({ headers: { 'content-length': '2' } }));
    await mismatch(put({ headers: { 'if-none-match': '*' } }));
    await mismatch(put({ headers: { 'content-md5': 'a' } }, { headers: { 'content-md5': 'b' } }));
  });

  test('let no x-amz header pass that is not signed', async () => {
    const smuggled = await put({}, { headers: { 'x-amz-meta-a': '1', 'x-amz-acl': 'public-read' } });
    expect(smuggled.status).toBe(403);
    const xml = await smuggled.text();
    expect(elementText(xml, 'Code')).toBe('AccessDenied');
    expect(elementText(xml, 'Message')).toBe(
      'There were headers present in the request which were not signed',
    );
    expect(elementText(xml, 'HeadersNotSigned')).toBe('x-amz-acl, x-amz-meta-a');
    const headers = { 'x-amz-meta-a': '1' };
    expect((await put({ headers, unhoistable: ['x-amz-meta-a'] }, { headers })).status).toBe(200);
  });

  test.each([
    'X-Amz-Algorithm',
    'X-Amz-Credential',
    'X-Amz-Date',
    'X-Amz-Expires',
    'X-Amz-SignedHeaders',
    'X-Amz-Signature',
  ])('without %s', async (name) => {
    const broken = await put({}, { change: (url) => url.replace(new RegExp(`${name}=[^&]*&?`), '') });
    expect(broken.status).toBe(400);
    expect(await errorCode(broken)).toBe('AuthorizationQueryParametersError');
  });

  test.each(['0', '-1', '604801', 'soon', '1.5', ''])('with X-Amz-Expires=%s', async (expires) => {
    const change = (url: string) => url.replace(/X-Amz-Expires=\d+/, `X-Amz-Expires=${expires}`);
    const broken = await put({}, { change });
    expect(broken.status).toBe(400);
    expect(await errorCode(broken)).toBe('AuthorizationQueryParametersError');
  });

  test('live a week at most', async () => {
    expect((await put({ expiresInSeconds: 604_800 })).status).toBe(200);
  });

  test.each([
    ['X-Amz-Date=[^&]*', 'X-Amz-Date=yesterday'],
    ['X-Amz-Date=2026', 'X-Amz-Date=2025'],
    ['%2Fs3%2F', '%2Fec2%2F'],
    ['aws4_request', 'aws3_request'],
    ['X-Amz-Credential=[^&]*', 'X-Amz-Credential=nobody'],
    ['X-Amz-Algorithm=[^&]*', 'X-Amz-Algorithm=NONE'],
  ])('with %s changed to %s', async (pattern, replacement) => {
    const broken = await put({}, { change: (url) => url.replace(new RegExp(pattern), replacement) });
    expect(broken.status).toBe(400);
    expect(await errorCode(broken)).toBe('AuthorizationQueryParametersError');
  });

  test('beside an Authorization header', async () => {
    const both = await put({}, { headers: { authorization: 'AWS4-HMAC-SHA256 x' } });
    expect(await errorCode(both)).toBe('InvalidArgument');
  });

  test('with a session token, which nobody here can have given', async () => {
    const broken = await put({}, { change: (url) => `${url}&X-Amz-Security-Token=t` });
    expect(await errorCode(broken)).toBe('InvalidToken');
  });
});

describe('the Authorization header', () => {
  test('of the SDK, with a body hash and without', async () => {
    now = Date.now();
    await server.client.send(new ListBucketsCommand({}));
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a b+c', Body: 'x' }));
  });

  test('of another key, secret, region or time', async () => {
    now = Date.now();
    const attempt = async (config: object) => {
      const client = createClient(server.url, config);
      const failure = await client.send(new ListBucketsCommand({})).then(
        () => undefined,
        (error: Error) => error.name,
      );
      client.destroy();
      return failure;
    };
    expect(await attempt({})).toBeUndefined();
    expect(await attempt({ credentials: { ...CREDENTIALS, accessKeyId: 'unknown' } })).toBe(
      'InvalidAccessKeyId',
    );
    expect(await attempt({ credentials: { ...CREDENTIALS, secretAccessKey: 'guess' } })).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await attempt({ region: 'eu-west-1' })).toBe('AuthorizationHeaderMalformed');
    expect(await attempt({ credentials: { ...CREDENTIALS, sessionToken: 't' } })).toBe('InvalidToken');
    now = Date.now() + 16 * MINUTE_MS;
    expect(await attempt({})).toBe('RequestTimeTooSkewed');
    now = Date.now() - 16 * MINUTE_MS;
    expect(await attempt({})).toBe('RequestTimeTooSkewed');
  });

  test.each([
    ['Basic dXNlcjpwYXNz', 'InvalidRequest'],
    ['AWS key:signature', 'InvalidRequest'],
    ['AWS4-HMAC-SHA256 Credential=a/20261123/us-east-1/s3/aws4_request', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0', 'AuthorizationHeaderMalformed'],
    [
      'AWS4-HMAC-SHA256 Credential=a/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
      'AccessDenied',
    ],
  ])('%s is answered with %s', async (authorization, code) => {
    expect(await errorCode(await fetch(`${server.url}${PATH}`, { headers: { authorization } }))).toBe(code);
  });
});

test('nobody is let in without a signature', async () => {
  for (const path of ['/', `/${BUCKET}`, PATH, '/no-such-bucket/key']) {
    const response = await fetch(`${server.url}${path}`);
    expect(response.status).toBe(403);
    expect(await errorCode(response)).toBe('AccessDenied');
  }
});

test('a path that is no UTF-8 is refused', async () => {
  expect(await errorCode(await fetch(`${server.url}/${BUCKET}/%ff`))).toBe('InvalidURI');
});
