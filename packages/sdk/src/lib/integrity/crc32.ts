import type { Hash } from './hash.ts';

/** Bytes taken at once: each needs a table of its own. */
const SLICES = 16;

/** The polynomial of CRC-32, reflected. Source: https://reveng.sourceforge.io/crc-catalogue/all.htm */
const POLYNOMIAL = 0xedb8_8320;

let tables: Int32Array | undefined;

/** Starts a CRC32. The tables are made for the first. */
export function createCrc32(): Hash {
  const table = (tables ??= makeTables());
  let crc = -1;
  return {
    update(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      // In a variable of its own: what a closure holds is written to memory each time.
      let value = crc;
      for (; at + SLICES <= bytes.length; at += SLICES) {
        value =
          ofWord(table, 0xc00, value ^ view.getInt32(at, true)) ^
          ofWord(table, 0x800, view.getInt32(at + 4, true)) ^
          ofWord(table, 0x400, view.getInt32(at + 8, true)) ^
          ofWord(table, 0, view.getInt32(at + 12, true));
      }
      for (; at < bytes.length; at++) value = (value >>> 8) ^ entry(table, (value ^ view.getUint8(at)) & 255);
      crc = value;
    },
    digest() {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, ~crc);
      return bytes;
    },
  };
}

/** What four bytes do to the CRC, with as many more behind them as the tables from `first` on say. */
function ofWord(table: Int32Array, first: number, word: number): number {
  return (
    entry(table, first | 0x300 | (word & 255)) ^
    entry(table, first | 0x200 | ((word >>> 8) & 255)) ^
    entry(table, first | 0x100 | ((word >>> 16) & 255)) ^
    entry(table, first | (word >>> 24))
  );
}

function entry(table: Int32Array, index: number): number {
  return table[index] ?? 0;
}

/** Table n says what a byte does to the CRC that n more bytes follow. */
function makeTables(): Int32Array {
  const made = new Int32Array(SLICES * 256);
  for (let index = 0; index < made.length; index++) {
    let value = index < 256 ? index : entry(made, index - 256);
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 && POLYNOMIAL);
    made[index] = value;
  }
  return made;
}
