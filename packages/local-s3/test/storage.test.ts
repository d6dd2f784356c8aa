import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { createFolderStorage } from '../src/lib/storage/folder-storage.ts';
import { createMemoryStorage } from '../src/lib/storage/memory-storage.ts';
import type { BytesPlacement, BytesRef, Storage } from '../src/lib/storage/storage.ts';
import { STORAGE_KINDS, patternBytes } from './test-server.ts';

const SIZE = 1024 ** 2;

describe.each(STORAGE_KINDS)('%s storage', (kind) => {
  let storage: Storage;
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'local-s3-storage-'));
    storage = kind === 'memory' ? createMemoryStorage() : createFolderStorage(folder);
    await storage.loadRecords();
    return () => rm(folder, { recursive: true });
  });

  const write = async (bytes: Uint8Array, placement?: BytesPlacement): Promise<BytesRef> => {
    const writer = await storage.beginBytes(placement);
    for (let start = 0; start < bytes.length; start += 400_000) {
      const end = Math.min(start + 400_000, bytes.length);
      const middle = Math.floor((start + end) / 2);
      await writer.write(bytes.subarray(start, middle));
      await writer.write(bytes.subarray(middle, end));
    }
    return await writer.finish();
  };
  const place = (partNumber: number, sizeBytes = SIZE): BytesPlacement => ({
    group: 'u1',
    partNumber,
    sizeBytes,
  });
  const read = async (ref: BytesRef, start = 0, end = ref.sizeBytes): Promise<Buffer> =>
    Buffer.from(await new Response(storage.readBytes(ref, start, end)).arrayBuffer());

  test('records are written, replaced, and removed with those below them', async () => {
    await storage.writeRecord('a/one', { n: 1 });
    await storage.writeRecord('a/one', { n: 2 });
    await storage.writeRecord('a/b/two', { n: 3 });
    await storage.writeRecord('ab', { n: 4 });
    const records = await storage.loadRecords();
    expect(new Map(records.map(({ name, value }) => [name, value]))).toEqual(
      new Map([
        ['a/one', { n: 2 }],
        ['a/b/two', { n: 3 }],
        ['ab', { n: 4 }],
      ]),
    );
    await storage.removeRecords('a');
    await storage.removeRecords('never there');
    expect((await storage.loadRecords()).map(({ name }) => name)).toEqual(['ab']);
  });

  test('bytes come back, whole and in stretches', async () => {
    const bytes = patternBytes(SIZE + 17);
    const ref = await write(bytes);
    expect(ref.sizeBytes).toBe(bytes.length);
    expect((await read(ref)).equals(bytes)).toBe(true);
    expect((await read(ref, 399_999, 900_001)).equals(bytes.subarray(399_999, 900_001))).toBe(true);
    expect(await read(ref, 5, 5)).toHaveLength(0);
    expect(await read(await write(new Uint8Array()))).toHaveLength(0);
  });

  test('a reader is not disturbed when the bytes are removed', async () => {
    const bytes = patternBytes(SIZE);
    const ref = await write(bytes);
    const stream = storage.readBytes(ref, 0, SIZE);
    await storage.removeBytes(ref);
    expect(Buffer.from(await new Response(stream).arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('two writers of one part do not meet', async () => {
    const [one, two] = await Promise.all([storage.beginBytes(place(1)), storage.beginBytes(place(1))]);
    await Promise.all([one.write(patternBytes(SIZE, 1)), two.write(patternBytes(SIZE, 2))]);
    const [first, second] = [await one.finish(), await two.finish()];
    expect((await read(first)).equals(patternBytes(SIZE, 1))).toBe(true);
    expect((await read(second)).equals(patternBytes(SIZE, 2))).toBe(true);
  });

  test('a place is free again after its writer gave up or its bytes were removed', async () => {
    const writer = await storage.beginBytes(place(1));
    await writer.write(patternBytes(SIZE / 2, 9));
    await writer.discard();
    const ref = await write(patternBytes(SIZE, 1), place(1));
    await storage.removeBytes(ref);
    const again = await write(patternBytes(SIZE, 2), place(1));
    expect((await read(again)).equals(patternBytes(SIZE, 2))).toBe(true);
  });

  describe.each([true, false])('joined, with mayReuse %s', (mayReuse) => {
    const joined = async (refs: readonly BytesRef[], parts: readonly Uint8Array[]): Promise<BytesRef> => {
      const whole = await storage.joinBytes(refs, { mayReuse });
      expect(whole.sizeBytes).toBe(Buffer.concat(parts).length);
      expect((await read(whole)).equals(Buffer.concat(parts))).toBe(true);
      // The parts are still what they were, until their group goes; then the whole stays.
      for (const [index, ref] of refs.entries()) expect((await read(ref)).equals(parts[index]!)).toBe(true);
      await storage.removeGroup('u1');
      expect((await read(whole)).equals(Buffer.concat(parts))).toBe(true);
      return whole;
    };

    test.each([
      ['equal parts', [SIZE, SIZE, SIZE]],
      ['a shorter last part', [SIZE, SIZE, 5]],
      ['a longer last part', [SIZE, SIZE, SIZE + 1]],
      ['a shorter part in the middle', [SIZE, SIZE - 1, SIZE]],
      ['small parts', [3, 2, 1]],
      ['one part', [SIZE]],
      ['one empty part', [0]],
    ])('%s', async (_, sizes) => {
      const parts = sizes.map((size, index) => patternBytes(size, index + 1));
      const refs = [];
      for (const [index, part] of parts.entries())
        refs.push(await write(part, place(index + 1, part.length)));
      await joined(refs, parts);
    });

    test('parts that do not begin at 1, and a part sent twice', async () => {
      const [two, three] = [patternBytes(SIZE, 2), patternBytes(SIZE, 3)];
      const first = await write(two, place(2));
      await write(patternBytes(SIZE, 7), place(3));
      await joined([first, await write(three, place(3))], [two, three]);
    });

    test('while another part is being written', async () => {
      const parts = [patternBytes(SIZE, 1), patternBytes(SIZE, 2)];
      const refs = [await write(parts[0]!, place(1)), await write(parts[1]!, place(2))];
      const late = await storage.beginBytes(place(3));
      await late.write(patternBytes(SIZE / 2, 9));
      const whole = await storage.joinBytes(refs, { mayReuse });
      await late.write(patternBytes(SIZE / 2, 9));
      await late.finish();
      expect((await read(whole)).equals(Buffer.concat(parts))).toBe(true);
    });

    test('parts that come after joining leave the whole alone', async () => {
      const parts = [patternBytes(SIZE, 1), patternBytes(SIZE, 2)];
      const refs = [await write(parts[0]!, place(1)), await write(parts[1]!, place(2))];
      const whole = await storage.joinBytes(refs, { mayReuse });
      await storage.removeBytes(refs[0]!);
      await write(patternBytes(SIZE, 8), place(1));
      await write(patternBytes(SIZE, 9), place(3));
      expect((await read(whole)).equals(Buffer.concat(parts))).toBe(true);
    });
  });

  test('only the bytes that are told of are kept, and their places with them', async () => {
    const kept = await write(patternBytes(SIZE, 1), place(1));
    const object = await write(patternBytes(10));
    const lost = await write(patternBytes(10));
    await storage.keepOnlyBytes([kept, object]);
    const other = await write(patternBytes(SIZE, 2), place(1));
    expect((await read(kept)).equals(patternBytes(SIZE, 1))).toBe(true);
    expect((await read(other)).equals(patternBytes(SIZE, 2))).toBe(true);
    expect(await read(object)).toHaveLength(10);
    await expect((async () => await read(lost))()).rejects.toThrow();
  });
});
