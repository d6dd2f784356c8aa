import { createHmac, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateUploadResponse, ProblemCode } from '@longhaul/protocol';
import { expectRefused } from './support/expect-refused.ts';
import { byHeader, type HostileWorld, openWorld, SECRETS } from './support/world.ts';

const MIB = 1024 ** 2;
const multipart = { sizeBytes: 6 * MIB, mode: 'multipart' } as const;

let world: HostileWorld;
let nowEpochMs = Date.now();
beforeAll(async () => {
  const clock = {
    nowEpochMs: () => nowEpochMs,
    sleep: (timeMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeMs)),
    randomUuid: () => randomUUID(),
  };
  world = await openWorld('local-s3', { authorize: byHeader, clock });
});
afterAll(() => world.close());

/** Every call that a token opens. */
const CALLS: readonly [method: string, path: (id: string) => string, body?: object][] = [
  ['GET', (id) => `/v1/uploads/${id}`],
  ['DELETE', (id) => `/v1/uploads/${id}`],
  ['POST', (id) => `/v1/uploads/${id}/parts`, { report: [], sign: [] }],
  ['POST', (id) => `/v1/uploads/${id}/complete`, {}],
  ['POST', (id) => `/v1/uploads/${id}/open`, { s3UploadId: 'x' }],
];

async function expectNowhere(
  uploadId: string,
  token: string | undefined,
  code: ProblemCode,
): Promise<string[]> {
  const texts: string[] = [];
  for (const [method, path, body] of CALLS) {
    const sent = { ...(body && { body }), ...(token !== undefined && { token }) };
    texts.push((await expectRefused(world, [method, path(uploadId), sent], code)).text);
  }
  if (token === undefined) return texts;
  // The same with the token in the body.
  for (const path of ['/v1/uploads/parts', '/v1/uploads/complete'])
    await expectRefused(world, ['POST', path, { body: { uploadId, token } }], code);
  const batch = await world.call('POST', '/v1/uploads/batch/complete', {
    body: { uploads: [{ uploadId, token }] },
  });
  const { uploads } = JSON.parse(batch.text) as { uploads: { problem: { code: string } }[] };
  expect(uploads[0]?.problem.code).toBe(code);
  return texts;
}

/** A token as the server makes it, by whatever key and of whatever it says. */
function forge(claims: readonly unknown[], key: string = SECRETS.tokenKey): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signature = createHmac('sha256', key).update(`longhaul-upload-token.${payload}`).digest('base64url');
  return `${payload}.${signature}`;
}

describe('a token', () => {
  let upload: CreateUploadResponse;
  let others: CreateUploadResponse;
  beforeAll(async () => {
    upload = await world.create(multipart, 'ann');
    others = await world.create(multipart, 'mallory');
  });

  it('that is right opens its upload, and so do the ones that this suite makes', async () => {
    for (const token of [upload.token, forge([upload.uploadId, 'ann', 1, nowEpochMs + 60_000])])
      expect((await world.call('GET', `/v1/uploads/${upload.uploadId}`, { token })).status).toBe(200);
  });

  it('that is missing opens nothing', () => expectNowhere(upload.uploadId, undefined, 'token-missing'));

  it('of another upload opens nothing', () => expectNowhere(upload.uploadId, others.token, 'token-invalid'));

  it('cut anywhere opens nothing', async () => {
    for (const length of [
      1,
      10,
      43,
      upload.token.indexOf('.'),
      upload.token.indexOf('.') + 1,
      upload.token.length - 1,
    ])
      await expectRefused(
        world,
        ['GET', `/v1/uploads/${upload.uploadId}`, { token: upload.token.slice(0, length) }],
        'token-invalid',
      );
  });

  it('with any bit turned opens nothing', async () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let at = 0; at < upload.token.length; at += 7) {
      if (upload.token[at] === '.') continue;
      const digit = digits[(digits.indexOf(upload.token[at] ?? '') + 32) % 64];
      const turned = `${upload.token.slice(0, at)}${digit}${upload.token.slice(at + 1)}`;
      const { problem } = await world.call('GET', `/v1/uploads/${upload.uploadId}`, { token: turned });
      expect(problem.code).toBe('token-invalid');
    }
  });

  it.each<[string, () => string]>([
    [
      'signed by another key',
      () => forge([upload.uploadId, 'ann', 1, 1e15], 'another key that is long enough too'),
    ],
    ['signed by an empty key', () => forge([upload.uploadId, 'ann', 1, 1e15], '')],
    ['for the S3 secret', () => forge([upload.uploadId, 'ann', 1, 1e15], SECRETS.secretAccessKey)],
    ['without a signature', () => `${upload.token.split('.')[0]}.`],
    ['with another one’s signature', () => `${upload.token.split('.')[0]}.${others.token.split('.')[1]}`],
    ['with two signatures', () => `${upload.token}.${upload.token.split('.')[1]}`],
    [
      'as a JWT without algorithm',
      () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${upload.token.split('.')[0]}.`,
    ],
    ['in other padding', () => `${upload.token}=`],
    ['of 8 kB', () => 'x'.repeat(8_000)],
  ])('%s opens nothing', async (_what, make) => {
    await expectRefused(world, ['GET', `/v1/uploads/${upload.uploadId}`, { token: make() }], 'token-invalid');
  });

  it('of another owner or another version opens nothing, although we have signed it', async () => {
    await expectNowhere(
      upload.uploadId,
      forge([upload.uploadId, 'mallory', 1, nowEpochMs + 60_000]),
      'token-invalid',
    );
    await expectNowhere(
      upload.uploadId,
      forge([upload.uploadId, 'ann', 0, nowEpochMs + 60_000]),
      'token-invalid',
    );
  });

  it('that has expired opens nothing, and one in the middle of its life does', async () => {
    const { uploadId, token } = await world.create(multipart);
    nowEpochMs += 23 * 3_600_000;
    expect((await world.call('GET', `/v1/uploads/${uploadId}`, { token })).status).toBe(200);
    nowEpochMs += 2 * 3_600_000;
    await expectNowhere(uploadId, token, 'token-expired');
  });

  it('in a query, a cookie or an Authorization header is not looked at', async () => {
    const { token, uploadId } = await world.create(multipart);
    const headers = { authorization: `Bearer ${token}`, cookie: `longhaul-token=${token}` };
    await expectRefused(
      world,
      ['DELETE', `/v1/uploads/${uploadId}?longhaul-token=${token}`, { headers }],
      'token-missing',
    );
  });
});

describe('who guesses', () => {
  it('hears the same of an upload that is there and of one that is not', async () => {
    const there = await world.create(multipart, 'ann');
    const mine = await world.create(multipart, 'mallory');
    const missing = randomUUID();
    const same = (text: string, id: string): string =>
      text.replaceAll(id, 'ID').replaceAll(/"requestId":"[^"]*"/g, '');
    for (const token of [
      mine.token,
      'x',
      forge([there.uploadId, 'mallory', 1, 1e15], 'wrong key that is long enough'),
    ]) {
      const [one, other] = [
        await expectNowhere(there.uploadId, token, 'token-invalid'),
        await expectNowhere(missing, token, 'token-invalid'),
      ];
      expect(one.map((text) => same(text, there.uploadId))).toEqual(other.map((text) => same(text, missing)));
    }
  });

  it('a createId of somebody else begins an upload of their own', async () => {
    const createId = randomUUID();
    const ann = await world.create({ ...multipart, createId }, 'ann');
    const mallory = await world.create({ ...multipart, createId }, 'mallory');
    expect(mallory.uploadId).not.toBe(ann.uploadId);
    expect(mallory.resumed).toBe(false);
  });

  it('the fingerprint of somebody else’s file resumes nothing, and takes nothing over', async () => {
    const fingerprint = 'f'.repeat(64);
    const ann = await world.create({ ...multipart, fingerprint }, 'ann');
    const mallory = await world.create({ ...multipart, fingerprint, takeover: true }, 'mallory');
    expect(mallory.uploadId).not.toBe(ann.uploadId);
    expect((await world.call('GET', `/v1/uploads/${ann.uploadId}`, { token: ann.token })).status).toBe(200);
  });

  it('the key of an object cannot know it: ids are random', async () => {
    const ids = [];
    for (let count = 0; count < 20; count += 1) ids.push((await world.create()).uploadId);
    expect(new Set(ids).size).toBe(20);
    for (const id of ids)
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});

describe('an owner who has lost a device', () => {
  it('takes the upload over, and the device is left outside', async () => {
    const createId = randomUUID();
    const lost = await world.create({ ...multipart, createId });
    const kept = await world.create({ ...multipart, createId, takeover: true });
    await expectNowhere(lost.uploadId, lost.token, 'token-invalid');
    expect((await world.call('GET', `/v1/uploads/${kept.uploadId}`, { token: kept.token })).status).toBe(200);
  });
});

describe('the server of one machine', () => {
  it('is not opened by a name that was pointed at it, nor by a page that is open there', async () => {
    const local = await openWorld('local-s3', {});
    const { port } = new URL(local.url);
    const body = JSON.stringify({ createId: randomUUID(), name: 'x', sizeBytes: 1 });
    const before = await local.effects();
    for (const headers of [
      { host: `rebound.example:${port}` },
      { host: `127.0.0.1.rebound.example:${port}` },
      { host: 'localhost.' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ] as Record<string, string>[]) {
      const heard = await sendAs(local.url, headers, body);
      expect(heard.status, JSON.stringify(headers)).toBe(401);
      expect(heard.text).toContain('"code":"unauthorized"');
    }
    expect(await local.effects()).toEqual(before);
    expect((await sendAs(local.url, { host: `localhost:${port}` }, body)).status).toBe(201);
    await local.close();
  });
});

/** With any Host header: fetch sets its own. */
async function sendAs(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/uploads`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end(body);
  });
}
