import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { startBackend } from '../e2e/support/backend.ts';
import { MEMORIES } from '../e2e/support/memories.ts';
import { STORES } from '../e2e/support/stores.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs what the example's README tells to run: its `start` script. */
async function start(example: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const folder = join(EXAMPLES, example);
  const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const [command = '', ...rest] = scripts.start.split(' ');
  expect(command).toBe('node');
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const child = spawn(process.execPath, [...rest, ...args], { cwd: folder, env: { PATH, ...env } });
  children.push(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (said.text += String(chunk)));
  return { said, ended: once(child, 'close').then(([code]) => code as number) };
}

describe('examples/node-script', () => {
  it('uploads a file and says where it is', async () => {
    const file = join(import.meta.dirname, '../../pnpm-lock.yaml');
    const { said, ended } = await start('node-script', [file]);
    expect({ code: await ended, text: said.text }).toMatchObject({ code: 0 });
    const { length } = await readFile(file);
    expect(said.text).toMatch(
      new RegExp(`is s3://example/connectors/default/[0-9a-f-]{36}, ${length} bytes, ETag "`),
    );
  });
});

describe('examples/embed-coordinator', () => {
  it('takes uploads of its users, and of nobody else', async () => {
    const { said } = await start('embed-coordinator', [], { PORT: '0' });
    await expect.poll(() => said.text, { timeout: 20_000 }).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    const [url = ''] = /http:\/\/\S+/.exec(said.text) ?? [];
    expect(await (await fetch(url)).text()).toContain('My own service');
    const upload = (headers: Record<string, string>) =>
      createUploader({ coordinator: `${url}/uploads`, headers, inlineMaxBytes: 0 }).upload(
        Buffer.alloc(6_000_000),
      ).result;
    const { key, sizeBytes } = await upload({ authorization: 'Bearer ann-secret' });
    expect(sizeBytes).toBe(6_000_000);
    await expect
      .poll(() => said.text, { timeout: 20_000 })
      .toContain(`io.longhaul.upload.completed.v1 ann unnamed ${key}`);
    await expect(upload({})).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem: { code: 'unauthorized' },
    });
  });
});

describe('examples/own-platform', () => {
  it('copies what stands at a web address, and nothing that changes meanwhile', async () => {
    const backend = await startBackend(STORES[0]!, MEMORIES[0]!);
    const site = await serveRanges(randomBytes(40 * 1024 ** 2));
    const copy = async () => {
      const { said, ended } = await start('own-platform', [`${site.url}/a%20film.mkv`], {
        LONGHAUL_COORDINATOR: backend.url,
      });
      return { code: await ended, text: said.text };
    };
    try {
      const { code, text } = await copy();
      expect({ code, text }).toMatchObject({ code: 0 });
      const [, key = ''] = /s3:\/\/[^/]+\/(\S+), 41943040 bytes/.exec(text) ?? [];
      expect(await backend.store.hashOf(key)).toBe(site.hash());

      site.changeAfterReads(14);
      expect((await copy()).text).toContain("code: 'FILE_CHANGED'");
      expect(await backend.store.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
    } finally {
      await site.close();
      await backend.close();
    }
  });
});

/** A web server with one page, which it gives in pieces. */
async function serveRanges(first: Buffer) {
  let content = first;
  let version = 1;
  let readsLeft = Infinity;
  const server = createServer((request, response) => {
    if (request.method === 'GET' && readsLeft-- === 0) {
      content = randomBytes(content.byteLength);
      version++;
    }
    const etag = `"${version}"`;
    const { range = '', 'if-range': condition = etag } = request.headers;
    const [, from = 0, to = 0] = /bytes=(\d+)-(\d+)/.exec(range) ?? [];
    const body = range && condition === etag ? content.subarray(Number(from), Number(to) + 1) : content;
    response.writeHead(body === content ? 200 : 206, {
      etag,
      'accept-ranges': 'bytes',
      'content-type': 'video/x-matroska',
      'content-length': body.byteLength,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hash: () => createHash('sha256').update(content).digest('hex'),
    changeAfterReads: (reads: number) => void (readsLeft = reads),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
