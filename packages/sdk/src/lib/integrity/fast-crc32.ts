import { createCrc32 } from './crc32.ts';
import { assembleCrc32, FOLDED_BYTES, STRIDE_BYTES } from './crc32-module.ts';
import type { Hash } from './hash.ts';
import { PAGE_BYTES, startWasm } from './start-wasm.ts';

/** Stays in the processor's cache. */
const MEMORY_BYTES = 2 * PAGE_BYTES;

/** What may be left of one piece when the next one comes. */
const MAX_REST_BYTES = FOLDED_BYTES + STRIDE_BYTES;

interface Machine {
  fold(from: number, to: number): void;
}

/** `null`: there can be none here. */
let machine: ReturnType<typeof startWasm<Machine>> | undefined;

/**
 * Starts a CRC32 in WebAssembly, by the sixteen bytes that an instruction of it takes at once: five times as fast as tables, which
 * count what is left in the end. `undefined` where there is none.
 */
export function createFastCrc32(): Hash | undefined {
  const { exports, memory } =
    (machine === undefined ? (machine = startWasm(assembleCrc32, MEMORY_BYTES)) : machine) ?? {};
  if (!exports || !memory) return undefined;
  const buffer = new Uint8Array(memory);
  const words = new Int32Array(memory);
  // Has the CRC32 of all that has come.
  let rest = new Uint8Array();
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; at += MEMORY_BYTES - MAX_REST_BYTES) {
        const piece = bytes.subarray(at, at + MEMORY_BYTES - MAX_REST_BYTES);
        buffer.set(rest);
        buffer.set(piece, rest.length);
        const end = rest.length + piece.length;
        const folded = Math.max(0, end - FOLDED_BYTES) & -STRIDE_BYTES;
        // A CRC32 begins with all ones, which is the same as the first word turned over.
        words[0] = ~(words[0] ?? 0);
        exports.fold(0, folded);
        words[folded / 4] = ~(words[folded / 4] ?? 0);
        rest = buffer.slice(folded, end);
      }
    },
    digest() {
      const hash = createCrc32();
      hash.update(rest);
      return hash.digest();
    },
  };
}
