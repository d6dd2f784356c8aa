import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { openPath } from '../../src/lib/platform/node/file-source.ts';
import { withReadInto } from '../../src/lib/platform/node/node-source.ts';
import { createBytesSource } from '../../src/lib/sources/bytes-source.ts';

describe('bytes in memory', () => {
  it.each<[string, (buffer: ArrayBuffer) => void]>([
    ['were transferred away', (buffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ['became fewer', (buffer) => buffer.resize(2)],
  ])(
    'that %s are a changed file, not one to try again or to fill up with other bytes',
    async (_what, take) => {
      const buffer = new ArrayBuffer(10, { maxByteLength: 10 });
      const source = withReadInto(createBytesSource(buffer));
      take(buffer);
      await expect(source.readInto(new Uint8Array(5), 0)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    },
  );
});

describe.skipIf(process.platform === 'win32')('a pipe (needs mkfifo)', () => {
  it('is refused at once, though nobody writes to it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-pipe-'));
    try {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      await expect(openPath(join(folder, 'pipe'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a header that HTTP does not take', () => {
  it('is refused before anything is sent, and its value is told to nobody', () => {
    const headers = { authorization: 'Bearer secret\ncanary' };
    const create = (): unknown => createUploader({ coordinator: 'http://127.0.0.1:1', headers });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(/"authorization"/);
    expect(create).not.toThrow(/secret|canary/);
  });
});
