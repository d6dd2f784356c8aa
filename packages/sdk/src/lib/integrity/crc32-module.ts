import {
  advance,
  at,
  get,
  I32,
  I32_GREATER_OR_EQUAL,
  set,
  V128,
  V128_LOAD,
  V128_STORE,
  V128_XOR,
  wasmModule,
  whileNot,
} from './wasm-module.ts';

const BLOCK_BYTES = 16;

/**
 * x^300 + x^155 + x^117 + x^89 + 1 is a multiple of the CRC's polynomial, and so is what it becomes with x^128 for x. So the
 * CRC stays the same if a block of 128 bits is taken away in front and added to those that are so many behind it. Source:
 * https://arxiv.org/abs/2412.16398
 */
const ADDED_TO = [300 - 155, 300 - 117, 300 - 89, 300] as const;

/** Bytes that are left of whatever is folded. */
export const FOLDED_BYTES: number = 300 * BLOCK_BYTES;

/** What is folded is a multiple of these. */
export const STRIDE_BYTES: number = 4 * BLOCK_BYTES;

const FROM = 0;
const TO = 1;
const BLOCK = 2;

/**
 * A WebAssembly module: `fold(from, to)` takes the bytes away and adds them to the {@link FOLDED_BYTES} behind them, as a CRC32 that
 * begins with 0 allows it.
 */
export function assembleCrc32(): Uint8Array<ArrayBuffer> {
  const isEnd = [...get(FROM), ...get(TO), I32_GREATER_OR_EQUAL];
  const blocks = Array.from({ length: STRIDE_BYTES / BLOCK_BYTES }, (_, index) => fold(index * BLOCK_BYTES));
  return wasmModule('fold', {
    parameters: [I32, I32],
    results: [],
    locals: [V128],
    code: whileNot(isEnd, [...blocks.flat(), ...advance(FROM, STRIDE_BYTES)]),
  });
}

function fold(offset: number): number[] {
  const adds = ADDED_TO.flatMap((blocks) => {
    const there = offset + blocks * BLOCK_BYTES;
    const sum = [...get(FROM), ...at(there, V128_LOAD), ...get(BLOCK), ...V128_XOR];
    return [...get(FROM), ...sum, ...at(there, V128_STORE)];
  });
  return [...get(FROM), ...at(offset, V128_LOAD), ...set(BLOCK), ...adds];
}
