import {
  advance,
  at,
  get,
  I32,
  i32,
  I32_ADD,
  I32_AND,
  I32_GREATER,
  I32_GREATER_OR_EQUAL,
  I32_SHIFT_LEFT,
  I64,
  i64,
  I64_LOAD,
  I64_LOAD_BYTE,
  I64_SHIFT_RIGHT,
  I64_TO_I32,
  I64_XOR,
  set,
  wasmModule,
  whileNot,
} from './wasm-module.ts';

/** Bytes taken at once: each needs a table of its own. */
export const SLICES = 16;

/** Bytes of a table: 256 entries of 64 bits. */
export const TABLE_BYTES: number = 256 * 8;

// The function's parameters, and two words of its own.
const CRC = 0;
const FROM = 1;
const TO = 2;
const WORDS = [3, 4] as const;

/**
 * A WebAssembly module that continues a CRC64NVME: `update(crc, from, to)` over bytes of the memory, in which the tables lie
 * at 0.
 */
export function assembleCrc64(): Uint8Array<ArrayBuffer> {
  return wasmModule('update', {
    parameters: [I64, I32, I32],
    results: [I64],
    locals: [I64, I64],
    code: [...sixteenAtOnce(), ...oneByOne(), ...get(CRC)],
  });
}

function sixteenAtOnce(): number[] {
  const words = WORDS.flatMap((word, index) => [
    ...get(FROM),
    ...at(index * 8, I64_LOAD),
    ...(index === 0 ? [...get(CRC), I64_XOR] : []),
    ...set(word),
  ]);
  const entries = Array.from({ length: SLICES }, (_, index) => {
    const byte = [...get(index < 8 ? WORDS[0] : WORDS[1]), ...i64((index % 8) * 8), I64_SHIFT_RIGHT];
    return [...entryOf(byte, SLICES - 1 - index), ...(index > 0 ? [I64_XOR] : [])];
  });
  // Until there are no more than 15: `to` less than `from` and 16.
  const isEnd = [...get(FROM), ...i32(SLICES), I32_ADD, ...get(TO), I32_GREATER];
  return whileNot(isEnd, [...words, ...entries.flat(), ...set(CRC), ...advance(FROM, SLICES)]);
}

function oneByOne(): number[] {
  const byte = [...get(FROM), ...at(0, I64_LOAD_BYTE), ...get(CRC), I64_XOR];
  const rest = [...get(CRC), ...i64(8), I64_SHIFT_RIGHT];
  const isEnd = [...get(FROM), ...get(TO), I32_GREATER_OR_EQUAL];
  return whileNot(isEnd, [...entryOf(byte, 0), ...rest, I64_XOR, ...set(CRC), ...advance(FROM, 1)]);
}

/** What the table says of the lowest byte of a word. */
function entryOf(word: readonly number[], table: number): number[] {
  const address = [...word, I64_TO_I32, ...i32(255), I32_AND, ...i32(3), I32_SHIFT_LEFT];
  return [...address, ...at(table * TABLE_BYTES, I64_LOAD)];
}
