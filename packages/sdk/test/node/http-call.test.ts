import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { createLazyKyCall } from '../../src/lib/http/lazy-ky-call.ts';
import { createHttpCall } from '../../src/lib/platform/node/http-call.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString();
}

const callOnce = createHttpCall(createLazyKyCall());
const never = new AbortController().signal;
const call = { method: 'post', headers: {}, json: { size: 1 }, signal: never } as const;

describe('a call over node:http', () => {
  it('carries JSON and headers there, and what is answered back', async () => {
    let seen: unknown;
    const url = await serve((request, response) => {
      void bodyOf(request).then((body) => {
        seen = { method: request.method, url: request.url, headers: request.headers, body };
        response.writeHead(409, { 'content-type': 'application/problem+json' }).end('{"code":"é"}');
      });
    });
    const headers = { 'x-token': 'abc', 'x-none': undefined, authorization: 'Bearer from-a-file\n' };
    const answer = await callOnce({ ...call, url: `${url}/v1/uploads?a=b`, headers, json: { name: 'é' } });
    expect(answer).toEqual({ status: 409, value: { code: 'é' } });
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/v1/uploads?a=b',
      headers: { 'x-token': 'abc', authorization: 'Bearer from-a-file', 'content-type': 'application/json' },
      body: '{"name":"é"}',
    });
    expect(seen).not.toHaveProperty('headers.x-none');
    expect(seen).not.toHaveProperty('headers.transfer-encoding');
  });

  it.each([
    [200, 'COORDINATOR_REFUSED'],
    [502, undefined],
  ])('does not read on for ever what answers with %i', async (status, code) => {
    let isClosed = false;
    let sentBytes = 0;
    const url = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(1024 ** 2, ' ');
      const send = (): void => {
        while (!isClosed && (sentBytes += chunk.byteLength) < 1024 ** 3 && response.write(chunk));
      };
      response.on('drain', send).on('close', () => (isClosed = true));
      send();
    });
    const answer = await callOnce({ ...call, url }).catch((error: unknown) => error);
    expect(answer).toMatchObject(code ? { name: 'UploadError', code, status } : { status, value: undefined });
    await expect.poll(() => isClosed).toBe(true);
    expect(sentBytes).toBeLessThan(512 * 1024 ** 2);
  });

  it('sends a cancel without a body', async () => {
    let seen: unknown;
    const url = await serve((request, response) => {
      const { 'content-type': type, 'content-length': length } = request.headers;
      seen = { method: request.method, type, length };
      response.end('{}');
    });
    await callOnce({ ...call, url, method: 'delete', json: undefined });
    expect(seen).toEqual({ method: 'DELETE', type: undefined, length: '0' });
  });

  it('takes what is no JSON for nothing', async () => {
    const url = await serve((_request, response) => response.writeHead(502).end('<html>'));
    expect(await callOnce({ ...call, url })).toEqual({ status: 502, value: undefined });
  });

  it('goes after a redirection with the same call', async () => {
    const target = await serve((request, response) => {
      void bodyOf(request).then((body) => response.end(JSON.stringify({ method: request.method, body })));
    });
    const url = await serve((_request, response) =>
      response.writeHead(308, { location: `${target}/v1/uploads` }).end(),
    );
    const value = { method: 'POST', body: '{"size":1}' };
    expect(await callOnce({ ...call, url })).toEqual({ status: 200, value });
  });

  it.each([
    [
      'is cut short',
      (response: Parameters<RequestListener>[1]) => void response.write('{"a":', () => response.destroy()),
    ],
    ['does not come', () => {}],
  ])('rejects when the answer %s', async (_what, answer) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      answer(response);
    });
    const impatient = createHttpCall(createLazyKyCall(), 300);
    await expect(impatient({ ...call, url })).rejects.toThrow(/aborted|no answer within 300 ms/);
  });

  it('fails when its connection is closed without an answer, or turned into something else', async () => {
    const url = await serve((_, response) => {
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    await expect(callOnce({ ...call, url })).rejects.toThrow('no answer');
  });

  it('ends when its signal does', async () => {
    const stopping = new AbortController();
    const url = await serve(() => stopping.abort(new Error('enough')));
    await expect(callOnce({ ...call, url, signal: stopping.signal })).rejects.toThrow();
    expect(stopping.signal.aborted).toBe(true);
  });

  it('says nothing of its headers when it fails', async () => {
    const url = await serve((request) => request.destroy());
    const headers = { authorization: 'Bearer canary' };
    const error: unknown = await callOnce({ ...call, url, headers }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify([error, String(error), { ...(error as object) }])).not.toContain('canary');
  });
});

describe('the entry for Node', () => {
  it('loads nothing of fetch to upload with headers: that is 25 MiB', async () => {
    const url = await serve((request, response) => {
      void bodyOf(request).then(() => response.writeHead(400).end('{"code":"invalid-request"}'));
    });
    const script = `
      const { createUploader } = await import('@longhaul/sdk');
      const uploader = createUploader({ coordinator: ${JSON.stringify(url)}, headers: { authorization: 'Bearer x' } });
      const error = await uploader.upload(process.execPath).result.catch((cause) => cause);
      console.log(error.code, process.moduleLoadList.filter((name) => name.includes('undici')).join());
    `;
    const args = ['--no-warnings', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: join(import.meta.dirname, '..'),
    });
    expect(stdout.trim()).toBe('COORDINATOR_REFUSED');
  });

  it.each([
    ['x y', 'a'],
    ['x', 'a\nb'],
    ['x', 'a\u0100'],
    ['', 'a'],
  ])('refuses the header %j: %j, and does not say its value', (name, value) => {
    const create = () => createUploader({ coordinator: 'http://127.0.0.1:1', headers: { [name]: value } });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(JSON.stringify(name));
  });
});
