import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { startServers, type TestServers } from '../support/start-servers.ts';

// Of localhost, signed by itself, good for a hundred years, and trusted by nobody.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFwE/i7bERXTLIcsk
ncWbvv6rqbFmB/JCqhGwJjsy6IehRANCAASGeqDprXq4hhDj4J4IUxO2rF9S9FXJ
hYH44tWSXGQS1BQsMe7u240B/PSJaS9IUkMRsnjFCgmMuuNMKU2mEx64
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUS5oV7HQEo7wExr9n7F0HOMCyzdkwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODAzNDIyNVoYDzIxMjYxMTA0
MDM0MjI1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASGeqDprXq4hhDj4J4IUxO2rF9S9FXJhYH44tWSXGQS1BQsMe7u240B
/PSJaS9IUkMRsnjFCgmMuuNMKU2mEx64o28wbTAdBgNVHQ4EFgQU9r9F7KAr72gu
52Un7wzgWUidf9cwHwYDVR0jBBgwFoAU9r9F7KAr72gu52Un7wzgWUidf9cwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAPUjC7k4H5VoTI+8h0lSRu/l1BvGy+IMMhdCgpB1uFx2AiB2
WdSsilbCPIxyvjCQNaeB0crdZiM8w6S+sODZ1USTuw==
-----END CERTIFICATE-----`;

let servers: TestServers;
let requests = 0;
let connections = 0;
const stranger = createServer({ key, cert }, (_request, response) => {
  requests++;
  response.end();
});
stranger.on('connection', () => connections++);
let strangerUrl = '';

beforeEach(async () => {
  [requests, connections] = [0, 0];
  await once(stranger.listen(0, '127.0.0.1'), 'listening');
  strangerUrl = `https://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
});
afterEach(async () => {
  stranger.close();
  await servers?.stop();
});

const untrusted = {
  code: 'CERTIFICATE_UNTRUSTED',
  message: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
};

it('a coordinator whose certificate is not trusted is asked once', async () => {
  const upload = createUploader({ coordinator: strangerUrl }).upload(Buffer.from('abc'));
  await expect(upload.result).rejects.toMatchObject(untrusted);
  expect({ requests, connections }).toEqual({ requests: 0, connections: 1 });
});

it.each([
  ['in parts', {}],
  ['under a key of one’s own', { encryption: { mode: 'sse-c' } } as const],
])('a store whose certificate is not trusted ends an upload %s at once', async (_how, options) => {
  servers = await startServers({
    publicEndpoint: async () => strangerUrl,
    encryption: { modes: ['sse-c'] },
  });
  const uploader = createUploader({ coordinator: servers.coordinator, inlineMaxBytes: 0 });
  const upload = uploader.upload(Buffer.alloc(11 * 1024 ** 2), options);
  await expect(upload.result).rejects.toMatchObject(untrusted);
  expect(requests).toBe(0);
  expect(connections).toBeLessThan(12);
});

it('a coordinator that does not trust its store’s certificate says so at once, and why in its log', async () => {
  servers = await startServers({ endpoint: strangerUrl });
  const upload = createUploader({ coordinator: servers.coordinator }).upload(Buffer.from('abc'));
  await expect(upload.result).rejects.toMatchObject({
    code: 'COORDINATOR_REFUSED',
    problem: { code: 'store-refused', status: 502 },
  });
  expect(requests).toBe(0);
  expect(servers.errors).toMatchObject([
    { name: 'ObjectStoreError', kind: 'unsent', message: expect.stringContaining('NODE_EXTRA_CA_CERTS') },
  ]);
});
