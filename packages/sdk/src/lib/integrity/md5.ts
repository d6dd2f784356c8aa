import type { Hash } from './hash.ts';

const BLOCK_BYTES = 64;

/** How far each round of four rotates. Source: https://www.rfc-editor.org/rfc/rfc1321 */
const ROTATIONS = Int32Array.of(7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21);

/** Starts an MD5. Web Crypto has none, and none of its digests takes a content piece by piece. */
export function createMd5(): Hash {
  const sines = Int32Array.from({ length: 64 }, (_, index) =>
    Math.floor(2 ** 32 * Math.abs(Math.sin(index + 1))),
  );
  const state = Int32Array.of(0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476);
  const words = new Int32Array(16);
  /** Bytes that do not make a block yet. */
  const rest = new Uint8Array(BLOCK_BYTES);
  let sizeBytes = 0;

  const eat = (bytes: Uint8Array, from: number): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, BLOCK_BYTES);
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(index * 4, true);
    mix(state, words, sines);
  };
  const update = (bytes: Uint8Array): void => {
    let at = 0;
    const filled = sizeBytes % BLOCK_BYTES;
    sizeBytes += bytes.length;
    if (filled > 0) {
      at = Math.min(BLOCK_BYTES - filled, bytes.length);
      rest.set(bytes.subarray(0, at), filled);
      if (filled + at < BLOCK_BYTES) return;
      eat(rest, 0);
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) eat(bytes, at);
    rest.set(bytes.subarray(at));
  };

  return {
    update,
    digest() {
      const bits = sizeBytes * 8;
      // A one, zeros up to eight bytes before the end of a block, the length.
      const padding = new Uint8Array(
        (sizeBytes % BLOCK_BYTES < 56 ? 56 : 120) - (sizeBytes % BLOCK_BYTES) + 8,
      );
      const view = new DataView(padding.buffer);
      padding[0] = 0x80;
      view.setUint32(padding.length - 8, bits % 2 ** 32, true);
      view.setUint32(padding.length - 4, bits / 2 ** 32, true);
      update(padding);
      const value = new DataView(new ArrayBuffer(16));
      state.forEach((word, index) => value.setInt32(index * 4, word, true));
      return new Uint8Array(value.buffer);
    },
  };
}

/** One block, in four rounds of sixteen steps. */
function mix(state: Int32Array, words: Int32Array, sines: Int32Array): void {
  let a = entry(state, 0);
  let b = entry(state, 1);
  let c = entry(state, 2);
  let d = entry(state, 3);
  for (let step = 0; step < 16; step++) {
    const next = b + turned(a + ((b & c) | (~b & d)) + entry(words, step) + entry(sines, step), step);
    a = d;
    d = c;
    c = b;
    b = next | 0;
  }
  for (let step = 16; step < 32; step++) {
    const next =
      b + turned(a + ((d & b) | (~d & c)) + entry(words, (5 * step + 1) & 15) + entry(sines, step), step);
    a = d;
    d = c;
    c = b;
    b = next | 0;
  }
  for (let step = 32; step < 48; step++) {
    const next = b + turned(a + (b ^ c ^ d) + entry(words, (3 * step + 5) & 15) + entry(sines, step), step);
    a = d;
    d = c;
    c = b;
    b = next | 0;
  }
  for (let step = 48; step < 64; step++) {
    const next = b + turned(a + (c ^ (b | ~d)) + entry(words, (7 * step) & 15) + entry(sines, step), step);
    a = d;
    d = c;
    c = b;
    b = next | 0;
  }
  state[0] = a + entry(state, 0);
  state[1] = b + entry(state, 1);
  state[2] = c + entry(state, 2);
  state[3] = d + entry(state, 3);
}

function turned(sum: number, step: number): number {
  const rotation = entry(ROTATIONS, ((step >> 2) & 12) | (step & 3));
  return (sum << rotation) | (sum >>> (32 - rotation));
}

function entry(list: Int32Array, index: number): number {
  return list[index] ?? 0;
}
