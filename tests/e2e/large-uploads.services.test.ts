import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { STORES } from './support/stores.ts';

const MIB = 1024 ** 2;
const [, versitygw] = STORES;
const [, servers] = MEMORIES;
if (versitygw?.name !== 'versitygw' || !servers) throw new Error('the stores and memories have moved');
const missing = [versitygw.missing, servers.missing].filter((reason) => reason !== undefined).join(', ');

describe.skipIf(missing !== '')(
  `a large upload to versitygw, remembered in Postgres and Redis ${missing}`,
  () => {
    let backend: Backend;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
      backend = await startBackend(versitygw, servers);
    });
    afterAll(async () => {
      await backend.close();
      await rm(folder, { recursive: true });
    });

    it('carries 2 GiB of a real file', { timeout: 300_000 }, async () => {
      const path = join(folder, '2-gib.bin');
      await writeRandomFile(path, 2048 * MIB);
      const result = await createUploader({ coordinator: backend.url }).upload(path).result;
      expect(result).toMatchObject({ sizeBytes: 2048 * MIB, partCount: 128 });
      expect(await backend.store.hashOf(result.key)).toBe(await hashOfFile(path));
      await rm(path);
    });
  },
);
