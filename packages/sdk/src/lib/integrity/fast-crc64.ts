import { assembleCrc64, SLICES, TABLE_BYTES } from './crc64-module.ts';
import type { Hash } from './hash.ts';

/** The polynomial of CRC-64/NVME, reflected. Source: https://reveng.sourceforge.io/crc-catalogue/17plus.htm */
const POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;

const PAGE_BYTES = 64 * 1024;

/** Copied in at once: it stays in the processor's cache. */
const BUFFER_BYTES = 4 * PAGE_BYTES;

/** Behind the tables. */
const BUFFER_AT = SLICES * TABLE_BYTES;

interface Machine {
  readonly buffer: Uint8Array;
  update(crc: bigint, from: number, to: number): bigint;
}

/** As much of WebAssembly as it takes: not every runtime has it. */
interface Runtime {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (program: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
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
  try {
    const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Runtime };
    const memory = new WebAssembly.Memory({ initial: Math.ceil((BUFFER_AT + BUFFER_BYTES) / PAGE_BYTES) });
    const program = new WebAssembly.Module(assembleCrc64());
    const { exports } = new WebAssembly.Instance(program, { env: { memory } });
    fillTables(new DataView(memory.buffer));
    const { update } = exports as Pick<Machine, 'update'>;
    return { buffer: new Uint8Array(memory.buffer, BUFFER_AT), update };
  } catch {
    return null;
  }
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
