import type { Hash } from './hash.ts';

/** Bytes taken at once: each needs a table of its own. */
const SLICES = 8;

/** The polynomial of CRC-64/NVME, reflected. Source: https://reveng.sourceforge.io/crc-catalogue/17plus.htm */
const POLYNOMIAL = [0x9a6c_9329, 0xac4b_c9b5] as const;

let tables: readonly [high: Int32Array, low: Int32Array] | undefined;

/** Starts a CRC64NVME, as two halves: JavaScript has no other fast integers. The tables are made for the first. */
export function createCrc64(): Hash {
  const [highs, lows] = (tables ??= makeTables());
  let high = -1;
  let low = -1;

  return {
    update(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      for (; at + SLICES <= bytes.length; at += SLICES) {
        const one = low ^ view.getInt32(at, true);
        const two = high ^ view.getInt32(at + 4, true);
        const a = 0x700 | (one & 255);
        const b = 0x600 | ((one >>> 8) & 255);
        const c = 0x500 | ((one >>> 16) & 255);
        const d = 0x400 | (one >>> 24);
        const e = 0x300 | (two & 255);
        const f = 0x200 | ((two >>> 8) & 255);
        const g = 0x100 | ((two >>> 16) & 255);
        const h = two >>> 24;
        high = xor(highs, a, b) ^ xor(highs, c, d) ^ xor(highs, e, f) ^ xor(highs, g, h);
        low = xor(lows, a, b) ^ xor(lows, c, d) ^ xor(lows, e, f) ^ xor(lows, g, h);
      }
      for (; at < bytes.length; at++) {
        const index = (low ^ view.getUint8(at)) & 255;
        low = (low >>> 8) ^ (high << 24) ^ entry(lows, index);
        high = (high >>> 8) ^ entry(highs, index);
      }
    },
    digest() {
      const value = new Uint8Array(8);
      const view = new DataView(value.buffer);
      view.setInt32(0, ~high);
      view.setInt32(4, ~low);
      return value;
    },
  };
}

function entry(table: Int32Array, index: number): number {
  return table[index] ?? 0;
}

function xor(table: Int32Array, one: number, other: number): number {
  return entry(table, one) ^ entry(table, other);
}

/** Table n says what a byte does to the CRC that n more bytes follow. */
function makeTables(): [Int32Array, Int32Array] {
  const highs = new Int32Array(SLICES * 256);
  const lows = new Int32Array(SLICES * 256);
  for (let index = 0; index < SLICES * 256; index++) {
    const before = index - 256;
    let high = before < 0 ? 0 : entry(highs, before);
    let low = before < 0 ? index : entry(lows, before);
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        high ^= POLYNOMIAL[0];
        low ^= POLYNOMIAL[1];
      }
    }
    highs[index] = high;
    lows[index] = low;
  }
  return [highs, lows];
}
