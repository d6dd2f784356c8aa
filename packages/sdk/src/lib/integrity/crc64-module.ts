/** Bytes taken at once: each needs a table of its own. */
export const SLICES = 16;

/** Bytes of a table: 256 entries of 64 bits. */
export const TABLE_BYTES: number = 256 * 8;

// Instructions and types of WebAssembly. Source: https://webassembly.github.io/spec/core/binary/instructions.html
const I32 = 0x7f;
const I64 = 0x7e;
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const END = 0x0b;
const BRANCH_TO_LOOP = [0x0c, 0];
const LEAVE_IF = [0x0d, 1];
const I32_GREATER = 0x4b;
const I32_GREATER_OR_EQUAL = 0x4f;
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_SHIFT_LEFT = 0x74;
const I64_XOR = 0x85;
const I64_SHIFT_RIGHT = 0x88;
const I64_TO_I32 = 0xa7;

// The function's parameters, and two words of its own.
const CRC = 0;
const FROM = 1;
const TO = 2;
const WORDS = [3, 4] as const;

/**
 * A WebAssembly module that continues a CRC64NVME: `update(crc, from, to)` over bytes of the memory `env.memory`, in which
 * the tables lie at 0. Put together here, so that what runs is what can be read.
 */
export function assembleCrc64(): Uint8Array<ArrayBuffer> {
  const body = [...vector([[2, I64]]), ...sixteenAtOnce(), ...oneByOne(), ...get(CRC), END];
  const type = [0x60, ...vector([[I64], [I32], [I32]]), ...vector([[I64]])];
  return Uint8Array.from([
    0,
    ...text('asm').slice(1),
    1,
    0,
    0,
    0,
    ...section(1, [type]),
    ...section(2, [[...text('env'), ...text('memory'), 2, 0, 1]]),
    ...section(3, [[0]]),
    ...section(7, [[...text('update'), 0, 0]]),
    ...section(10, [[...unsigned(body.length), ...body]]),
  ]);
}

function sixteenAtOnce(): number[] {
  const words = WORDS.flatMap((word, index) => [
    ...get(FROM),
    ...load(0x29, index * 8),
    ...(index === 0 ? [...get(CRC), I64_XOR] : []),
    ...set(word),
  ]);
  const entries = Array.from({ length: SLICES }, (_, at) => {
    const byte = [...get(at < 8 ? WORDS[0] : WORDS[1]), ...i64((at % 8) * 8), I64_SHIFT_RIGHT];
    return [...entryOf(byte, SLICES - 1 - at), ...(at > 0 ? [I64_XOR] : [])];
  });
  // Until there are no more than 15: `to` less than `from` and 16.
  const isEnd = [...get(FROM), ...i32(SLICES), I32_ADD, ...get(TO), I32_GREATER];
  return whileNot(isEnd, [...words, ...entries.flat(), ...set(CRC), ...advance(SLICES)]);
}

function oneByOne(): number[] {
  const byte = [...get(FROM), ...load(0x31, 0), ...get(CRC), I64_XOR];
  const rest = [...get(CRC), ...i64(8), I64_SHIFT_RIGHT];
  const isEnd = [...get(FROM), ...get(TO), I32_GREATER_OR_EQUAL];
  return whileNot(isEnd, [...entryOf(byte, 0), ...rest, I64_XOR, ...set(CRC), ...advance(1)]);
}

/** What the table says of the lowest byte of a word. */
function entryOf(word: readonly number[], table: number): number[] {
  const address = [...word, I64_TO_I32, ...i32(255), I32_AND, ...i32(3), I32_SHIFT_LEFT];
  return [...address, ...load(0x29, table * TABLE_BYTES)];
}

function whileNot(condition: readonly number[], body: readonly number[]): number[] {
  return [...BLOCK, ...LOOP, ...condition, ...LEAVE_IF, ...body, ...BRANCH_TO_LOOP, END, END];
}

function advance(bytes: number): number[] {
  return [...get(FROM), ...i32(bytes), I32_ADD, ...set(FROM)];
}

function get(local: number): number[] {
  return [0x20, local];
}

function set(local: number): number[] {
  return [0x21, local];
}

function load(instruction: number, offset: number): number[] {
  return [instruction, 0, ...unsigned(offset)];
}

function i32(value: number): number[] {
  return [0x41, ...signed(value)];
}

function i64(value: number): number[] {
  return [0x42, ...signed(value)];
}

/** LEB128 of what is positive: its last byte must not look like that of something negative. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function text(value: string): number[] {
  return vector(Array.from(value, (letter) => [letter.charCodeAt(0)]));
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}
