import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentials, openWorld, type ProcessWorld } from './process-world.ts';

interface LogLine {
  readonly message?: string;
  readonly error?: { readonly message: string };
}

/** The lines of a log that are JSON. */
function linesOf(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

let world: ProcessWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  await world.close();
});

const run: ProcessWorld['run'] = (args, env) => world.run(args, env);

describe('longhaul-coordinator serve', () => {
  it('serves this machine, says why only this one, and stops when asked', async () => {
    const server = run(['serve']);
    const url = await server.listening();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' });
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    // Read at the end only: the address stands on stdout and this on stderr, and either may come first.
    expect(server.said.text).toContain('owner "local"');
    expect(server.said.text).not.toContain(credentials.secretAccessKey);
  });

  it('keeps uploads and their tokens over a kill', async () => {
    const body = JSON.stringify({ createId: crypto.randomUUID(), name: 'x', sizeBytes: 1 });
    const create = async (url: string) => {
      const response = await fetch(`${url}/v1/uploads`, { method: 'POST', body });
      return (await response.json()) as { uploadId: string; token: string };
    };
    const first = run(['serve']);
    const { uploadId, token } = await create(await first.listening());
    first.child.kill('SIGKILL');
    await first.ended;
    const second = run(['serve']);
    const url = await second.listening();
    expect((await create(url)).uploadId).toBe(uploadId);
    expect(
      (await fetch(`${url}/v1/uploads/${uploadId}`, { headers: { 'longhaul-token': token } })).status,
    ).toBe(200);
    const key = join(world.folder, 'longhaul.sqlite.token-key');
    expect((await readFile(key, 'utf8')).trim().length).toBeGreaterThanOrEqual(32);
    expect((await stat(key)).mode & 0o777).toBe(0o600);
  });

  it('lets in who brings an API key of the file, or a JWT of the provider, and nobody else', async () => {
    const made = run(['api-key', 'billing']);
    expect(await made.ended).toBe(0);
    await writeFile(join(world.folder, 'api-keys'), made.said.stderr);
    const keys = await generateKeyPair('RS256');
    const shown = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'RS256' }] };
    const provider = createServer((_request, response) => response.end(JSON.stringify(shown))).listen(
      0,
      '127.0.0.1',
    );
    await once(provider, 'listening');
    const server = run(['serve'], {
      LONGHAUL_API_KEYS_FILE: 'api-keys',
      LONGHAUL_JWT_JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
      LONGHAUL_JWT_ISSUER: 'login',
      LONGHAUL_JWT_AUDIENCE: 'uploads',
      LONGHAUL_MAX_OPEN_UPLOADS_PER_OWNER: '1',
    });
    const url = await server.listening();
    const jwt = await new SignJWT({ sub: 'ann', iss: 'login', aud: 'uploads' })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime('1m')
      .sign(keys.privateKey);
    const createBy = async (bearer: string) => {
      const body = JSON.stringify({ createId: crypto.randomUUID(), name: 'x', sizeBytes: 1 });
      const headers = { authorization: `Bearer ${bearer}` };
      return (await fetch(`${url}/v1/uploads`, { method: 'POST', body, headers })).status;
    };
    const key = made.said.stdout.trim();
    for (const bearer of [key, jwt])
      expect([await createBy(bearer), await createBy(bearer)]).toEqual([201, 403]);
    for (const bearer of [`${key}x`, `${jwt}x`, 'x']) expect(await createBy(bearer)).toBe(401);
    provider.close();
  });

  it('finishes a call under way before it ends', async () => {
    const module = join(world.folder, 'slow.mjs');
    await writeFile(
      module,
      'export const authorize = async () => { await new Promise((r) => setTimeout(r, 700)); return "ann"; };',
    );
    const server = run(['serve'], { LONGHAUL_AUTHORIZE_MODULE: module });
    const url = await server.listening();
    const body = JSON.stringify({ createId: crypto.randomUUID(), name: 'x', sizeBytes: 1 });
    const answer = fetch(`${url}/v1/uploads`, { method: 'POST', body });
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.child.kill('SIGTERM');
    expect((await answer).status).toBe(201);
    expect(await server.ended).toBe(0);
  });

  it('tells every error of its configuration at once, and ends with 2', async () => {
    const server = run(['serve'], { S3_BUCKET: '', LONGHAUL_PORT: 'x', LONGHAUL_HOST: '0.0.0.0' });
    expect(await server.ended).toBe(2);
    for (const name of ['S3_BUCKET', 'LONGHAUL_PORT', 'LONGHAUL_HOST'])
      expect(server.said.text).toContain(name);
  });

  it('says which address it cannot have, and ends with 1', async () => {
    const server = run(['serve'], { LONGHAUL_PORT: new URL(world.store.url).port });
    expect(await server.ended).toBe(1);
    expect(server.said.stderr).toMatch(
      /^LONGHAUL_PORT=\d+: another program listens on 127\.0\.0\.1 there\. .*\n$/,
    );
  });

  it('says at the start that it lacks credentials, and how to give them', async () => {
    const nowhere = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: world.folder,
    };
    const server = run(['serve'], nowhere);
    await server.listening();
    await expect
      .poll(() => server.said.text, { timeout: 10_000 })
      .toContain('give credentials, for example AWS_ACCESS_KEY_ID');
    const failed = linesOf(server.said.stderr).find(({ message }) => message === 'failed');
    expect(failed).toMatchObject({ level: 'error', error: { name: 'ObjectStoreError' } });
    expect(failed?.error?.message).toMatch(/^HeadBucket .* was not sent/);
  });
});

describe('the log', () => {
  it('has a line of JSON for each call, with the id that its refusal tells, and nothing of its address', async () => {
    const server = run(['serve']);
    const url = await server.listening();
    const body = JSON.stringify({ createId: crypto.randomUUID(), name: 'x', sizeBytes: 6 * 1024 ** 2 });
    const created = await fetch(`${url}/v1/uploads?canary=1`, { method: 'POST', body });
    const { uploadId, token } = (await created.json()) as { uploadId: string; token: string };
    const headers = { 'x-request-id': 'given-by-caller', 'longhaul-token': token };
    await fetch(`${url}/v1/uploads/${uploadId}/parts`, { method: 'POST', body: '{}', headers });
    const forged = { 'x-request-id': 'x"\\evil', 'longhaul-token': `${token}canary` };
    const refused = await fetch(`${url}/v1/uploads/${uploadId}`, { headers: forged });
    const { requestId } = (await refused.json()) as { requestId: string };
    await fetch(`${url}/healthz`);
    server.child.kill('SIGTERM');
    await server.ended;
    expect(server.said.stderr).not.toContain('canary');
    const calls = linesOf(server.said.stderr).filter(({ message }) => message === 'call');
    expect(requestId).toMatch(/^[\da-f-]{36}$/);
    expect(refused.headers.get('x-request-id')).toBe(requestId);
    const common = {
      level: 'info',
      message: 'call',
      time: expect.any(String),
      durationMs: expect.any(Number),
    };
    expect(calls).toEqual([
      {
        ...common,
        requestId: expect.any(String),
        uploadId,
        method: 'POST',
        route: '/v1/uploads',
        status: 201,
      },
      {
        ...common,
        requestId: 'given-by-caller',
        uploadId,
        method: 'POST',
        route: '/v1/uploads/:uploadId/parts',
        status: 200,
      },
      {
        ...common,
        requestId,
        method: 'GET',
        route: '/v1/uploads/:uploadId',
        status: 403,
        problem: 'token-invalid',
      },
    ]);
  });

  it('is for people, and of probes too, if asked for', async () => {
    const server = run(['serve'], { LONGHAUL_LOG_FORMAT: 'text', LONGHAUL_LOG_LEVEL: 'debug' });
    await fetch(`${await server.listening()}/healthz`);
    await expect
      .poll(() => server.said.stderr)
      .toMatch(/^\S+Z GET \/healthz 200 [\d.]+ ms \([\da-f-]{36}\)$/m);
  });
});

describe('figures', () => {
  const token = 'canary-metrics-token';

  it('are shown on a port of their own, to those who bring the token', async () => {
    const server = run(['serve'], { LONGHAUL_METRICS_PORT: '0', LONGHAUL_METRICS_TOKEN: token });
    const url = await server.listening();
    await expect.poll(() => server.said.stdout).toMatch(/Figures for Prometheus: (\S+)/);
    const [, metricsUrl = ''] = /Figures for Prometheus: (\S+)/.exec(server.said.stdout) ?? [];
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    for (const authorization of [[], [['authorization', 'Bearer x']]] as [string, string][][])
      expect((await fetch(metricsUrl, { headers: authorization })).status).toBe(401);
    const scraped = await fetch(metricsUrl, { headers: { authorization: `Bearer ${token}` } });
    const text = await scraped.text();
    for (const name of ['longhaul_uploads_open{state="UPLOADING"} 0', 'nodejs_eventloop_lag_seconds'])
      expect(text).toContain(name);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(server.said.text).not.toContain('canary');
  });

  it('are shown to other machines only with a token', async () => {
    const server = run(['serve'], { LONGHAUL_METRICS_PORT: '0', LONGHAUL_METRICS_HOST: '0.0.0.0' });
    expect(await server.ended).toBe(2);
    expect(server.said.text).toContain('LONGHAUL_METRICS_TOKEN is required');
  });
});

describe('with servers that are not there', () => {
  // Port 1 of this machine: nobody listens there.
  const servers = {
    LONGHAUL_DATABASE_URL: 'postgres://postgres:canary-password@127.0.0.1:1/postgres',
    LONGHAUL_REDIS_URL: 'redis://:canary-password@127.0.0.1:1',
    LONGHAUL_TOKEN_KEYS: 'canary-token-key-canary-token-key',
  };

  it.each([
    ['serve', {}, 1, 'ECONNREFUSED'],
    ['serve', { LONGHAUL_AUTHORIZE_MODULE: './missing.mjs' }, 2, 'LONGHAUL_AUTHORIZE_MODULE=./missing.mjs'],
    ['serve', { LONGHAUL_API_KEYS: 'ann lhk_canary' }, 2, 'LONGHAUL_API_KEYS: line 1'],
    ['serve', { LONGHAUL_API_KEYS_FILE: './missing' }, 2, 'LONGHAUL_API_KEYS_FILE=./missing'],
    ['migrate', {}, 1, 'ECONNREFUSED'],
  ])('%s %o ends with %i and says why, without a secret', async (command, env, status, why) => {
    const process = run([command], { ...servers, ...env });
    expect(await process.ended).toBe(status);
    expect(process.said.text).toContain(why);
    expect(process.said.text).not.toContain('canary');
  });
});

describe('longhaul-coordinator', () => {
  it('migrates, teaches, and refuses what it does not know', async () => {
    const migrate = run(['migrate']);
    expect(await migrate.ended).toBe(0);
    expect((await stat(join(world.folder, 'longhaul.sqlite'))).size).toBeGreaterThan(0);
    const help = run(['--help']);
    expect(await help.ended).toBe(0);
    expect(help.said.text).toContain('LONGHAUL_GRANT_EXPIRES_IN_SECONDS');
    expect(await run(['sevre']).ended).toBe(2);
    expect(await run(['serve', '--port']).ended).toBe(2);
  });
});
