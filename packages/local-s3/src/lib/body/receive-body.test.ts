import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ByteWriter } from '../storage/storage.ts';
import { receiveBody } from './receive-body.ts';

const MIB = 1024 ** 2;
const REF = { file: 'f', offsetBytes: 0, sizeBytes: 0 };

interface RecordingWriter extends ByteWriter {
  readonly batches: number[];
  readonly ended: string[];
}

const createWriter = (onWrite: (index: number) => Promise<void> = async () => {}): RecordingWriter => {
  const batches: number[] = [];
  const ended: string[] = [];
  return {
    batches,
    ended,
    async write(bytes) {
      batches.push(bytes.length);
      await onWrite(batches.length);
    },
    async finish() {
      ended.push('finish');
      return REF;
    },
    async discard() {
      ended.push('discard');
    },
  };
};

async function* chunksOf(count: number, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield new Uint8Array(sizeBytes);
}

const claims = (sizeBytes: number) => ({ sizeBytes, isAwsChunked: false });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('writes in batches of a mebibyte and keeps no more than two', async () => {
  const writer = createWriter();
  const received = await receiveBody(chunksOf(40, 65_536), { claims: claims(40 * 65_536), writer });
  expect(writer.batches).toEqual([MIB, MIB, MIB / 2]);
  expect(writer.ended).toEqual(['finish']);
  expect(received).toMatchObject({ bytes: REF, sizeBytes: 40 * 65_536 });
});

test.each([1, 2, 3])(
  'a write that fails (number %i) ends it, after the write, with the bytes discarded',
  async (failing) => {
    const full = new Error('ENOSPC');
    const writer = createWriter(async (index) => {
      if (index === failing) throw full;
    });
    const receiving = receiveBody(chunksOf(40, 65_536), { claims: claims(40 * 65_536), writer });
    await expect(receiving).rejects.toBe(full);
    expect(writer.ended).toEqual(['discard']);
  },
);

test('a sender that fails leaves nothing', async () => {
  const writer = createWriter();
  const reset = new Error('ECONNRESET');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(20, 65_536);
    throw reset;
  }
  await expect(receiveBody(broken(), { claims: claims(5 * MIB), writer })).rejects.toBe(reset);
  expect(writer.ended).toEqual(['discard']);
});

test.each([
  ['shorter', 3, 4],
  ['longer', 5, 4],
])('a body %s than it said', async (_, sent, claimed) => {
  const writer = createWriter();
  const receiving = receiveBody(chunksOf(sent, 10), { claims: claims(claimed * 10), writer });
  await expect(receiving).rejects.toMatchObject({ code: 'IncompleteBody' });
  expect(writer.ended).toEqual(['discard']);
});

test('a body that stands still is refused with RequestTimeout', async () => {
  const writer = createWriter();
  async function* stalled(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    await new Promise(() => {});
  }
  const receiving = receiveBody(stalled(), { claims: claims(20), writer });
  const refused = expect(receiving).rejects.toMatchObject({ code: 'RequestTimeout', status: 400 });
  await vi.advanceTimersByTimeAsync(20_000);
  await refused;
  expect(writer.ended).toEqual(['discard']);
});

test('a large body that fails gives its thread back', async () => {
  vi.useRealTimers();
  const writer = createWriter();
  const cut = receiveBody(chunksOf(70, 65_536), { claims: claims(5 * MIB), writer });
  await expect(cut).rejects.toMatchObject({ code: 'IncompleteBody' });
  expect(writer.ended).toEqual(['discard']);
  const whole = await receiveBody(chunksOf(80, 65_536), { claims: claims(5 * MIB), writer: createWriter() });
  expect(whole.md5).toBe('5f363e0e58a95f06cbe9bbc662c5dfb6');
});

test('a slow body that keeps moving is not', async () => {
  const writer = createWriter();
  async function* slow(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 4; index += 1) {
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      yield new Uint8Array(10);
    }
  }
  const receiving = receiveBody(slow(), { claims: claims(40), writer });
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await receiving).sizeBytes).toBe(40);
});
