// Puts WebAssembly modules together, so that what runs is what can be read.
// Instructions and types. Source: https://webassembly.github.io/spec/core/binary/index.html
export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export const I32_GREATER = 0x4b;
export const I32_GREATER_OR_EQUAL = 0x4f;
export const I32_ADD = 0x6a;
export const I32_AND = 0x71;
export const I32_SHIFT_LEFT = 0x74;
export const I64_XOR = 0x85;
export const I64_SHIFT_RIGHT = 0x88;
export const I64_TO_I32 = 0xa7;
export const I64_LOAD = [0x29] as const;
export const I64_LOAD_BYTE = [0x31] as const;
export const V128_LOAD = [0xfd, 0] as const;
export const V128_STORE = [0xfd, 11] as const;
export const V128_XOR = [0xfd, 0x51] as const;

const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const BRANCH_TO_LOOP = [0x0c, 0];
const LEAVE_IF = [0x0d, 1];
const END = 0x0b;

/** A function, by the types of its values. */
export interface WasmFunction {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  /** Numbered behind the parameters. */
  readonly locals: readonly number[];
  readonly code: readonly number[];
}

/** A module that works on the memory `env.memory`, and exports one function under `name`. */
export function wasmModule(
  name: string,
  { parameters, results, locals, code }: WasmFunction,
): Uint8Array<ArrayBuffer> {
  const types = (list: readonly number[]): number[] => vector(list.map((type) => [type]));
  const body = [...vector(locals.map((type) => [1, type])), ...code, END];
  return Uint8Array.from([
    0,
    ...text('asm').slice(1),
    1,
    0,
    0,
    0,
    ...section(1, [[0x60, ...types(parameters), ...types(results)]]),
    ...section(2, [[...text('env'), ...text('memory'), 2, 0, 1]]),
    ...section(3, [[0]]),
    ...section(7, [[...text(name), 0, 0]]),
    ...section(10, [[...unsigned(body.length), ...body]]),
  ]);
}

export function whileNot(condition: readonly number[], body: readonly number[]): number[] {
  return [...BLOCK, ...LOOP, ...condition, ...LEAVE_IF, ...body, ...BRANCH_TO_LOOP, END, END];
}

export function get(local: number): number[] {
  return [0x20, local];
}

export function set(local: number): number[] {
  return [0x21, local];
}

/** A load or a store, `offset` behind the address. */
export function at(offset: number, instruction: readonly number[]): number[] {
  return [...instruction, 0, ...unsigned(offset)];
}

export function i32(value: number): number[] {
  return [0x41, ...signed(value)];
}

export function i64(value: number): number[] {
  return [0x42, ...signed(value)];
}

/** Adds to a local of 32 bits. */
export function advance(local: number, by: number): number[] {
  return [...get(local), ...i32(by), I32_ADD, ...set(local)];
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
