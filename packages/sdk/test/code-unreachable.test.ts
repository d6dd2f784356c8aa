import { setTimeout as sleep } from 'node:timers/promises';
import { createUploader } from '@longhaul/sdk';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLine } from '../src/lib/schedule/line.ts';
import { systemClock } from '../src/lib/system-clock.ts';
import { startServers, type TestServers } from './support/start-servers.ts';

// A page that was published anew has other files than the one that is open.
vi.mock('../src/lib/uploader/sending.ts', () => {
  throw new Error('404');
});

vi.mock('../src/lib/schedule/wider.ts', () => {
  throw new Error('404');
});

let servers: TestServers;
beforeEach(async () => {
  servers = await startServers();
});
afterEach(async () => await servers.stop());

async function* zeros(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 20; count++) yield new Uint8Array(1024 ** 2);
}

it.each([true, false])(
  'leaves nothing of a stream behind when what sends is not there, integrity: %s',
  async (integrity) => {
    const upload = createUploader({ ...servers, integrity }).upload(zeros());
    await expect(upload.result).rejects.toMatchObject({ code: 'CODE_UNREACHABLE' });
    expect(await servers.openUploads()).toBe(0);
  },
);

it('leaves a line as wide as it is when what widens it is not there', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  createLine({ clock: systemClock, stallTimeoutMs: 30_000, concurrency: 2, maxConcurrency: 4 });
  await sleep(100);
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
