import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileResumeStore } from '@longhaul/sdk';

const HINT = { createId: '5a1cbb46-6a6c-4c2e-9c1e-0b5a3a1b7f10', lastModifiedEpochMs: 5, savedAtEpochMs: 1 };
const DETAILS = {
  address: 'http://127.0.0.1:8787/',
  fingerprint: 'f',
  source: { name: 'film.mp4', sizeBytes: 9 },
  options: { metadata: { not: 'for this store' } },
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-hints-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the resume store in a folder', () => {
  it('remembers, replaces and forgets', async () => {
    const store = createFileResumeStore(join(folder, 'made', 'on', 'demand'));
    expect(await store.find('key')).toBeUndefined();
    await store.forget('key');
    await store.remember('key', HINT, DETAILS);
    await store.remember('other', { ...HINT, createId: 'b' }, DETAILS);
    expect(await store.find('key')).toEqual(HINT);
    await store.remember('key', { ...HINT, createId: 'c' }, DETAILS);
    expect(await createFileResumeStore(join(folder, 'made', 'on', 'demand')).find('key')).toMatchObject({
      createId: 'c',
    });
    await store.forget('key');
    expect(await store.find('key')).toBeUndefined();
    expect(await store.find('other')).toMatchObject({ createId: 'b' });
  });

  it('is a map, whatever the keys, also for another process at the same time', async () => {
    const key = fc.constantFrom('', 'a', '../a', '世界', '["http://c",null,"f"]', 'a'.repeat(5_000));
    const createId = fc.uuid();
    const step = fc.oneof(
      fc.record({ kind: fc.constant('remember' as const), key, createId }),
      fc.record({ kind: fc.constant('forget' as const), key }),
      fc.record({ kind: fc.constant('find' as const), key }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const inside = join(folder, String(run++));
        const model = new Map<string, string>();
        for (const [turn, each] of steps.entries()) {
          const store = createFileResumeStore(inside);
          if (each.kind === 'remember') {
            model.set(each.key, each.createId);
            await store.remember(each.key, { createId: each.createId, savedAtEpochMs: turn }, DETAILS);
          } else if (each.kind === 'forget') {
            model.delete(each.key);
            await store.forget(each.key);
          }
          expect((await store.find(each.key))?.createId).toBe(model.get(each.key));
        }
        const left = await readdir(inside).catch(() => []);
        expect(left).toHaveLength(model.size);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps keys out of file names, and others out of the folder', async () => {
    const inside = join(folder, 'hints');
    await createFileResumeStore(inside).remember('../../etc/passwd', HINT, DETAILS);
    const [name = '', ...rest] = await readdir(inside);
    expect(rest).toEqual([]);
    expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
    expect((await stat(inside)).mode & 0o077).toBe(0);
    expect((await stat(join(inside, name))).mode & 0o077).toBe(0);
  });

  it.each(['', '{"createId":', '[]', 'null', '{"createId":5}'])('takes %j for no hint', async (text) => {
    const store = createFileResumeStore(folder);
    await store.remember('key', HINT, DETAILS);
    const [name = ''] = await readdir(folder);
    await writeFile(join(folder, name), text);
    expect(await store.find('key')).toBeUndefined();
    await store.remember('key', HINT, DETAILS);
    expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toEqual(HINT);
  });
});
