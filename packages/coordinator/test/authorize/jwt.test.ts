import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AnsweredCall, refusalOf } from '../../src/index.ts';
import { createJwtAuthorize, type JwtAuthorizeOptions } from '../../src/jwt.ts';
import { startCoordinator } from '../support/start-coordinator.ts';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

const ISSUER = 'https://login.example/';
const AUDIENCE = 'uploads';

let provider: Server;
let jwksUrl: string;
let keys: Keys;
let foreign: Keys;
let shown: JWK[];
let answer: { status: number; body?: string } = { status: 200 };

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true });
  foreign = await generateKeyPair('ES256', { extractable: true });
  shown = [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }];
  provider = createServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body ?? JSON.stringify({ keys: shown }));
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`;
});
afterEach(() => void (answer = { status: 200 }));
afterAll(() => provider.close());

const now = () => Math.floor(Date.now() / 1000);

interface Wish {
  readonly claims?: JWTPayload;
  readonly header?: { alg?: string; kid?: string };
  readonly key?: Keys['privateKey'] | Uint8Array;
}

function sign({ claims = {}, header = {}, key = keys.privateKey }: Wish = {}): Promise<string> {
  const payload = { sub: 'ann', iss: ISSUER, aud: AUDIENCE, exp: now() + 60, ...claims };
  const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key);
}

const hook = (options: Partial<JwtAuthorizeOptions> = {}) =>
  createJwtAuthorize({ jwksUrl, issuer: ISSUER, audience: AUDIENCE, ...options });
const bearing = (token: string, scheme = 'Bearer') =>
  new Request('http://localhost/', { headers: { authorization: `${scheme} ${token}` } });

describe('a JWT', () => {
  it('that is right names the owner', async () => {
    expect(await hook()(bearing(await sign()))).toBe('ann');
    expect(await hook()(bearing(await sign(), 'bearer'))).toBe('ann');
    expect(await hook()(bearing(await sign({ claims: { aud: ['other', AUDIENCE] } })))).toBe('ann');
  });

  it('names the owner by the claim that was asked for', async () => {
    const authorize = hook({ ownerClaim: 'tenant' });
    expect(await authorize(bearing(await sign({ claims: { tenant: 'acme' } })))).toBe('acme');
    expect(await authorize(bearing(await sign()))).toBeUndefined();
  });

  const wrong: [string, Wish][] = [
    ['of another issuer', { claims: { iss: 'https://evil.example/' } }],
    ['without an issuer', { claims: { iss: undefined as unknown as string } }],
    ['for another audience', { claims: { aud: 'mail' } }],
    ['without an audience', { claims: { aud: undefined as unknown as string } }],
    ['that has expired', { claims: { exp: now() - 60 } }],
    ['that never expires', { claims: { exp: undefined as unknown as number } }],
    ['that is not good yet', { claims: { nbf: now() + 600 } }],
    ['without an owner', { claims: { sub: undefined as unknown as string } }],
    ['with an empty owner', { claims: { sub: '' } }],
    ['whose owner is no text', { claims: { sub: 7 as unknown as string } }],
    ['whose owner is a document', { claims: { sub: 'x'.repeat(257) } }],
    ['of a key that nobody knows', { header: { kid: 'two' } }],
  ];
  it.each(wrong)('%s is refused', async (_what, wish) => {
    const owner = await hook()(bearing(await sign(wish)));
    // An empty owner is refused where every owner passes.
    expect(owner === undefined || owner === '').toBe(true);
  });

  it('signed by another key is refused, although it names ours', async () => {
    expect(await hook()(bearing(await sign({ key: foreign.privateKey })))).toBeUndefined();
  });

  it('without a signature is refused', async () => {
    const unsigned = new UnsecuredJWT({ sub: 'ann' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1m')
      .encode();
    expect(await hook()(bearing(unsigned))).toBeUndefined();
  });

  it('signed with our public key as a secret is refused', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    expect(await hook()(bearing(await sign({ header: { alg: 'HS256' }, key: secret })))).toBeUndefined();
  });

  it('signed by a secret is refused, although the provider shows it', async () => {
    const secret = new Uint8Array(32).fill(7);
    shown.push({ kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'oct', alg: 'HS256' });
    const token = await sign({ header: { alg: 'HS256', kid: 'oct' }, key: secret });
    expect(await hook()(bearing(token))).toBeUndefined();
    shown.pop();
  });

  it('by an algorithm that is not on the list is refused', async () => {
    expect(await hook({ algorithms: ['RS256'] })(bearing(await sign()))).toBeUndefined();
  });

  it('may be as much out of time as the clocks are allowed to differ', async () => {
    const token = await sign({ claims: { exp: now() - 30 } });
    expect(await hook()(bearing(token))).toBeUndefined();
    expect(await hook({ clockToleranceSeconds: 60 })(bearing(token))).toBe('ann');
  });

  it('that was cut or changed anywhere is refused', async () => {
    const token = await sign();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('ann', 'bob')).toString(
      'base64url',
    );
    for (const other of [
      token.slice(0, -1),
      token.slice(0, 40),
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${forged}.${signature}`,
      'x',
      'x'.repeat(9_000),
    ])
      expect(await hook()(bearing(other))).toBeUndefined();
    expect(await hook()(bearing(token, 'Basic'))).toBeUndefined();
    expect(await hook()(new Request('http://localhost/'))).toBeUndefined();
  });
});

describe('a JWT that is refused', () => {
  it.each<[string, Wish]>([
    ['the JWT has expired', { claims: { exp: now() - 60 } }],
    ['the JWT was made for another audience (aud)', { claims: { aud: 'mail' } }],
    ['the JWT is of another issuer (iss)', { claims: { iss: 'https://canary.example/' } }],
    ['the JWT is not good yet (nbf)', { claims: { nbf: now() + 600 } }],
    ['the JWT has no exp', { claims: { exp: undefined as unknown as number } }],
    ['sub of the JWT names no owner', { claims: { sub: 7 as unknown as string } }],
    ['the JWT names a key (kid) that the provider does not show', { header: { kid: 'canary' } }],
  ])('tells the log that %s', async (reason, wish) => {
    const request = bearing(await sign(wish));
    await hook()(request);
    expect(refusalOf(request)).toBe(reason);
  });

  it('tells the log why, and not its caller', async () => {
    const heard: AnsweredCall[] = [];
    const coordinator = await startCoordinator({ authorize: hook(), onCall: (call) => heard.push(call) });
    const create = async (token: string) =>
      await coordinator.call('POST', '/v1/uploads', {
        body: {},
        headers: { authorization: `Bearer ${token}` },
      });
    const refused = [await create(await sign({ key: foreign.privateKey })), await create('canary')];
    await coordinator.close();
    for (const { status, problem } of refused) {
      expect({ status, code: problem.code }).toEqual({ status: 401, code: 'unauthorized' });
      expect(JSON.stringify(problem)).not.toMatch(/signature|JWT|reason/);
    }
    expect(heard.map(({ reason }) => reason)).toEqual([
      'the signature of the JWT is wrong',
      'what stands in Authorization: Bearer is no JWT that can be checked',
    ]);
  });
});

describe('keys that cannot be had', () => {
  it.each([{ status: 500 }, { status: 200, body: 'no JSON' }, { status: 200, body: '{}' }])(
    'let nobody in, and say that it will pass: %j',
    async (given) => {
      answer = given;
      await expect(hook()(bearing(await sign()))).rejects.toMatchObject({
        name: 'AuthorizationUnavailableError',
      });
    },
  );

  it('are told to the client as 503 without a word of the provider', async () => {
    const errors: unknown[] = [];
    const coordinator = await startCoordinator({
      authorize: hook({ jwksUrl: 'http://127.0.0.1:1/jwks' }),
      onError: (error) => errors.push(error),
    });
    const refused = await coordinator.call('POST', '/v1/uploads', {
      body: {},
      headers: { authorization: `Bearer ${await sign()}` },
    });
    expect(refused).toMatchObject({ status: 503, problem: { code: 'authorization-unavailable' } });
    expect(JSON.stringify(refused.answer)).not.toContain('127.0.0.1');
    expect(errors).toMatchObject([{ name: 'AuthorizationUnavailableError', cause: expect.any(Error) }]);
    await coordinator.close();
  });
});

describe('options', () => {
  it.each<Partial<JwtAuthorizeOptions>>([
    { jwksUrl: 'http://login.example/jwks' },
    { jwksUrl: 'http://127.0.0.1.evil.example/jwks' },
    { jwksUrl: 'file:///etc/jwks' },
    { jwksUrl: 'nonsense' },
    { issuer: '' },
    { audience: '' },
    { ownerClaim: '' },
    { algorithms: [] },
    { algorithms: ['none' as 'RS256'] },
    { algorithms: ['HS256' as 'RS256'] },
    { clockToleranceSeconds: -1 },
    { clockToleranceSeconds: NaN },
    { clockToleranceSeconds: 301 },
  ])('that would let too many in are refused at once: %j', (options) => {
    expect(() => hook(options)).toThrow(TypeError);
  });
});
