import { randomUUID } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { ProblemCode } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused, expectTyped } from './support/expect-refused.ts';
import { type HostileWorld, openWorld, type Sent } from './support/world.ts';

const MIB = 1024 ** 2;

let world: HostileWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const good = () => ({ createId: randomUUID(), name: 'x', sizeBytes: 6 * MIB, mode: 'multipart' });
/** JSON with a member written by hand, as no serializer would. */
const withMember = (member: string): string =>
  `{"createId":"${randomUUID()}","name":"x","sizeBytes":6291456,"mode":"multipart",${member}}`;

describe('a create is refused', () => {
  const bad: [string, () => Sent, ProblemCode][] = [
    ['with __proto__', () => ({ raw: withMember('"__proto__":{"sizeBytes":1}') }), 'bad-request'],
    [
      'with constructor',
      () => ({ raw: withMember('"constructor":{"prototype":{"admin":true}}') }),
      'bad-request',
    ],
    [
      'with __proto__ as metadata',
      () => ({ raw: withMember('"metadata":{"__proto__":"x"}') }),
      'bad-request',
    ],
    [
      'with constructor as metadata',
      () => ({ body: { ...good(), metadata: { constructor: 'x' } } }),
      'bad-request',
    ],
    ['with an owner of its own', () => ({ body: { ...good(), owner: 'admin' } }), 'bad-request'],
    ['with a key of its own', () => ({ body: { ...good(), s3Key: '../../etc/passwd' } }), 'bad-request'],
    ['with a state of its own', () => ({ body: { ...good(), state: 'COMPLETED' } }), 'bad-request'],
    ['that ends too early', () => ({ raw: '{"createId":' }), 'bad-request'],
    ['that is a list', () => ({ raw: '[]' }), 'bad-request'],
    ['that is null', () => ({ raw: 'null' }), 'bad-request'],
    ['that is a number', () => ({ raw: '1e999' }), 'bad-request'],
    [
      'that is nested a hundred thousand deep',
      () => ({ raw: '['.repeat(1e5) + ']'.repeat(1e5) }),
      'bad-request',
    ],
    [
      'whose metadata is nested deep',
      () => ({ raw: withMember(`"metadata":${'{"a":'.repeat(5e4)}1${'}'.repeat(5e4)}`) }),
      'bad-request',
    ],
    ['in UTF-16', () => ({ raw: Buffer.from(JSON.stringify(good()), 'utf16le') }), 'bad-request'],
    ['in bytes that are no text', () => ({ raw: Uint8Array.from([0xff, 0xfe, 0x00, 0x80]) }), 'bad-request'],
    [
      'as a form',
      () => ({ raw: 'createId=1&name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      'bad-request',
    ],
    [
      'as XML',
      () => ({ raw: '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>' }),
      'bad-request',
    ],
    [
      'as zip bomb',
      () => ({ raw: Buffer.alloc(64), headers: { 'content-encoding': 'gzip' } }),
      'bad-request',
    ],
    ['with a size that is a text', () => ({ body: { ...good(), sizeBytes: '6291456' } }), 'bad-request'],
    ['with a size below zero', () => ({ body: { ...good(), sizeBytes: -1 } }), 'bad-request'],
    ['with half a byte', () => ({ body: { ...good(), sizeBytes: 0.5 } }), 'bad-request'],
    [
      'with a size that no number holds',
      () => ({ raw: withMember('"partSizeBytes":9007199254740993') }),
      'bad-request',
    ],
    ['with endless bytes', () => ({ raw: withMember('"partSizeBytes":1e999') }), 'bad-request'],
    [
      'over what S3 takes',
      () => ({ body: { ...good(), sizeBytes: Number.MAX_SAFE_INTEGER } }),
      'size-too-large',
    ],
    [
      'with CR and LF in the content type',
      () => ({ body: { ...good(), contentType: 'text/plain\r\nx-amz-acl: public-read' } }),
      'bad-request',
    ],
    [
      'with a content type that is none',
      () => ({ body: { ...good(), contentType: '<script>' } }),
      'bad-request',
    ],
    [
      'with a connector that leaves its folder',
      () => ({ body: { ...good(), connectorId: '../../x' } }),
      'bad-request',
    ],
    ['with a connector of dots', () => ({ body: { ...good(), connectorId: '..' } }), 'bad-request'],
    [
      'with a connector in another script',
      () => ({ body: { ...good(), connectorId: 'сonnector' } }),
      'bad-request',
    ],
    ['with NUL in the name', () => ({ body: { ...good(), name: 'a\0b' } }), 'bad-request'],
    [
      'with half a surrogate pair in the name',
      () => ({ raw: withMember('"fingerprint":"x"').replace('"name":"x"', '"name":"\\ud800"') }),
      'bad-request',
    ],
    ['with a name of 1 MB', () => ({ body: { ...good(), name: 'x'.repeat(900_000) } }), 'bad-request'],
    [
      'with 1 MB of metadata',
      () => ({ body: { ...good(), metadata: { a: 'x'.repeat(900_000) } } }),
      'bad-request',
    ],
    [
      'with 10,000 names of metadata',
      () => ({
        body: {
          ...good(),
          metadata: Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`a${index}`, 'x'])),
        },
      }),
      'invalid-metadata',
    ],
    [
      'with CR and LF in a name of metadata',
      () => ({ body: { ...good(), metadata: { 'a\r\nx-amz-acl': 'x' } } }),
      'bad-request',
    ],
    [
      'with our own names of metadata',
      () => ({ body: { ...good(), metadata: { 'longhaul-write-token': 'x' } } }),
      'invalid-metadata',
    ],
    [
      'with an acl as metadata of S3',
      () => ({ body: { ...good(), 'x-amz-acl': 'public-read' } }),
      'bad-request',
    ],
    [
      'with a payload that is no base64',
      () => ({ body: { ...good(), sizeBytes: 3, payload: '!!!!' } }),
      'bad-request',
    ],
    [
      'with a payload of another length',
      () => ({ body: { ...good(), sizeBytes: 3, payload: 'AAAAAAAA' } }),
      'payload-mismatch',
    ],
    [
      'with a payload over the limit',
      () => ({ body: { ...good(), sizeBytes: 290_000, payload: Buffer.alloc(290_000).toString('base64') } }),
      'request-too-large',
    ],
    ['with a body of 64 MB', () => ({ raw: ' '.repeat(64 * MIB) }), 'request-too-large'],
    ['with a createId that is none', () => ({ body: { ...good(), createId: "' OR 1=1 --" } }), 'bad-request'],
    [
      'with a fingerprint that is none',
      () => ({ body: { ...good(), fingerprint: 'x'.repeat(64) } }),
      'bad-request',
    ],
    [
      'with a thousand and one parts to sign',
      () => ({
        body: { ...good(), sign: Array.from({ length: 1_001 }, () => ({ partNumber: 1, sizeBytes: 1 })) },
      }),
      'bad-request',
    ],
  ];
  it.each(bad)('%s', async (_what, sent, code) => {
    await expectRefused(world, ['POST', '/v1/uploads', sent()], code);
  });

  it('and nothing of a refused one sticks to objects everywhere', () => {
    expect(Object.keys({})).toEqual([]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('a member that comes twice counts once, the last time', async () => {
    const raw = withMember('"sizeBytes":5242880');
    const { text, status } = await world.call('POST', '/v1/uploads', { raw });
    expect(status).toBe(201);
    expect(JSON.parse(text)).toMatchObject({ plan: { sizeBytes: 5_242_880 } });
  });
});

describe('a batch', () => {
  it.each<[string, () => unknown, ProblemCode]>([
    ['of 101', () => ({ uploads: Array.from({ length: 101 }, good) }), 'bad-request'],
    ['of nothing', () => ({ uploads: [] }), 'bad-request'],
    ['that is no list', () => ({ uploads: { length: 1, 0: good() } }), 'bad-request'],
    ['of 16 MB of numbers', () => ({ uploads: 'x'.repeat(17 * MIB) }), 'request-too-large'],
  ])('%s is refused', async (_what, body, code) => {
    await expectRefused(world, ['POST', '/v1/uploads/batch', { body: body() }], code);
  });

  it('of bad entries changes nothing, and each is told why', async () => {
    const before = await world.effects();
    const uploads = [null, 1, [], {}, { ...good(), size: 1 }, { ...good(), connectorId: '../x' }];
    const { text, status } = await world.call('POST', '/v1/uploads/batch', { body: { uploads } });
    expect(status).toBe(200);
    const answer = JSON.parse(text) as { uploads: { ok: boolean; problem: { code: string } }[] };
    expect(answer.uploads.map(({ problem }) => problem.code)).toEqual(uploads.map(() => 'bad-request'));
    expect(await world.effects()).toEqual(before);
    expect(world.reported).toEqual([]);
  });
});

describe('a name that is odd', () => {
  it.each([
    '../../../etc/passwd',
    'C:\\Windows\\system32',
    'a\r\nx-amz-acl: public-read\r\n\r\n<script>',
    '\u202Egpj.exe',
    '%00%2e%2e%2f',
    'x-amz-meta-"quoted"; filename=a',
    '💥'.repeat(1024),
    ' ',
  ])('%j is kept with the object, decodes as it was, and is none of its key', async (name) => {
    const { result, uploadId } = await world.create({
      name,
      sizeBytes: 1,
      payload: 'AA==',
      metadata: { note: name.slice(0, 20) },
    });
    expect(result?.key).toBe(`connectors/default/${uploadId}`);
    const head = await world.client.send(
      new HeadObjectCommand({ Bucket: world.bucket, Key: result?.key ?? '' }),
    );
    const { 'original-name': kept = '', note = '', ...others } = head.Metadata ?? {};
    expect(name.startsWith(decodeURIComponent(kept))).toBe(true);
    expect(decodeURIComponent(note)).toBe(name.slice(0, 20).toWellFormed());
    expect(Object.keys(others).toSorted()).toEqual(['connector-id', 'longhaul-write-token', 'node-id']);
    for (const value of Object.values(head.Metadata ?? {})) expect(value).toMatch(/^[\x21-\x7e]*$/);
  });
});

describe('a path or a method that is odd', () => {
  it.each<[string, string, ProblemCode]>([
    ['POST', '/v1/uploads/', 'route-not-found'],
    ['POST', '/v1//uploads', 'route-not-found'],
    ['POST', '/V1/UPLOADS', 'route-not-found'],
    ['GET', '/v1/uploads/..%2f..%2fetc%2fpasswd', 'token-missing'],
    ['GET', '/v1/uploads/%00', 'token-missing'],
    ['GET', `/v1/uploads/${'x'.repeat(8_000)}`, 'token-missing'],
    ['GET', '/v1/uploads/%ff%fe', 'token-missing'],
    ['GET', "/v1/uploads/'%20OR%201=1", 'token-missing'],
    ['GET', '/v1/uploads/x/parts/1', 'route-not-found'],
    ['GET', '/v1/limits?size=-1', 'bad-request'],
    ['GET', '/v1/limits?size=1e9', 'bad-request'],
    ['GET', '/v1/limits?size=99999999999999999999', 'bad-request'],
    ['GET', '/v1/limits?size=', 'bad-request'],
    ['PUT', '/v1/uploads', 'method-not-allowed'],
    ['PATCH', '/v1/uploads/x', 'method-not-allowed'],
    ['PROPFIND', '/v1/uploads', 'method-not-allowed'],
  ])('%s %s is refused', async (method, path, code) => {
    await expectRefused(world, [method, path], code);
  });

  it('is not believed when a header names another', async () => {
    const { uploadId, token } = await world.create({ sizeBytes: 6 * MIB, mode: 'multipart' });
    const before = await world.effects();
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' };
    expect((await world.call('GET', `/v1/uploads/${uploadId}`, { token, headers })).status).toBe(200);
    expectTyped(
      world,
      await world.call('POST', `/v1/uploads/${uploadId}?_method=DELETE`, { token, headers }),
      'method-not-allowed',
    );
    expect(await world.effects()).toEqual(before);
  });
});

describe('a page of another origin', () => {
  it('cannot read an answer, nor send what needs to be asked for', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
      const { headers } = await world.call('GET', '/v1/limits', { headers: { origin } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      const preflight = await fetch(`${world.url}/v1/uploads`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        },
      });
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
      expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it.each([
    ['nobody is listed', {}, 401],
    ['its own origin is listed', { corsOrigins: ['https://evil.example'] }, 201],
    ['any origin is', { corsOrigins: ['*'] }, 401],
  ])(
    'makes no upload by a form and the cookies of its visitor, where %s',
    async (_where, options, status) => {
      const byCookie = (request: Request) => /session=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1];
      const open = await openWorld('local-s3', { ...options, authorize: byCookie });
      // As <form enctype="text/plain"> sends it: JSON with an equals sign somewhere.
      const text = `{"createId":"${randomUUID()}","name":"=","sizeBytes":1}`;
      const from = async (headers: Record<string, string>) =>
        (
          await open.call('POST', '/v1/uploads', {
            raw: text,
            headers: { 'content-type': 'text/plain', cookie: 'session=ann', ...headers },
          })
        ).status;
      expect(await from({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })).toBe(status);
      expect(await from({ origin: 'https://evil.example' })).toBe(status);
      expect(await from({ origin: 'null' })).toBe(401);
      expect(await from({ origin: 'https://behind-a-proxy.example', 'sec-fetch-site': 'same-origin' })).toBe(
        201,
      );
      expect(await from({})).toBe(201);
      await open.close();
    },
  );

  it('never gets cookies along, even where any origin is let in', async () => {
    const open = await openWorld('local-s3', { corsOrigins: ['*'], authorize: () => 'ann' });
    const { headers } = await open.call('GET', '/v1/limits', { headers: { origin: 'https://evil.example' } });
    expect(headers.get('access-control-allow-origin')).not.toBeNull();
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    await open.close();
  });
});
