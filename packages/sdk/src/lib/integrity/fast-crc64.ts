import { assembleCrc64, SLICES, TABLE_BYTES } from './crc64-module.ts';
import type { Hash } from './hash.ts';
import { PAGE_BYTES, startWasm } from './start-wasm.ts';

/** The polynomial of CRC-64/NVME, reflected. Source: https://reveng.sourceforge.io/crc-catalogue/17plus.htm */
const POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;

/** Copied in at once: it stays in the processor's cache. */
const BUFFER_BYTES = 4 * PAGE_BYTES;

/** Behind the tables. */
const BUFFER_AT = SLICES * TABLE_BYTES;

interface Machine {
  readonly buffer: Uint8Array;
  update(crc: bigint, from: number, to: number): bigint;
}

/** `null`: there can be none here. */
let machine: Machine | null | undefined;

/**
 * Starts a CRC64NVME in WebAssembly, which has the 64-bit integers that JavaScript lacks. `undefined` where there is none,
 * or a content security policy refuses it.
 */
export function createFastCrc64(): Hash | undefined {
  const { buffer, update } = (machine === undefined ? (machine = startMachine()) : machine) ?? {};
  if (!buffer || !update) return undefined;
  let crc = -1n;
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; at += BUFFER_BYTES) {
        const piece = bytes.subarray(at, at + BUFFER_BYTES);
        buffer.set(piece);
        crc = update(crc, BUFFER_AT, BUFFER_AT + piece.length);
      }
    },
    digest() {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setBigInt64(0, ~crc);
      return value;
    },
  };
}

function startMachine(): Machine | null {
  const started = startWasm<Pick<Machine, 'update'>>(assembleCrc64, BUFFER_AT + BUFFER_BYTES);
  if (!started) return null;
  fillTables(new DataView(started.memory));
  return { buffer: new Uint8Array(started.memory, BUFFER_AT), update: started.exports.update };
}

/** Table n says what a byte does to the CRC that n more bytes follow. */
function fillTables(tables: DataView): void {
  const entry = (index: number): bigint => tables.getBigUint64(index * 8, true);
  for (let index = 0; index < SLICES * 256; index++) {
    let value = BigInt(index);
    if (index < 256) for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (value & 1n && POLYNOMIAL);
    else value = (entry(index - 256) >> 8n) ^ entry(Number(entry(index - 256) & 255n));
    tables.setBigUint64(index * 8, value, true);
  }
}
