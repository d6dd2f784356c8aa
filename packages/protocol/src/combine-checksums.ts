import type { Checksum } from './messages.ts';

// Every runtime has them; the types of a neutral one do not tell.
declare function atob(base64: string): string;
declare function btoa(binary: string): string;

/** Checksum and length of one stretch of a content. */
export interface Stretch {
  readonly checksum: Checksum;
  readonly sizeBytes: number;
}

/** Width and reflected polynomial. Source: https://reveng.sourceforge.io/crc-catalogue/all.htm */
const CRCS: Partial<Record<Checksum['algorithm'], readonly [bits: number, polynomial: bigint]>> = {
  CRC32: [32, 0xedb8_8320n],
  CRC32C: [32, 0x82f6_3b78n],
  CRC64NVME: [64, 0x9a6c_9329_ac4b_c9b5n],
};

/**
 * CRC of stretches laid end to end, from their CRCs and lengths alone. `undefined`: MD5s cannot be combined, nor CRCs of
 * different kinds.
 *
 * A reflected CRC is a polynomial over GF(2) with its highest power in the lowest bit. Appending n bytes multiplies what
 * came before by x^(8n) modulo the polynomial; the inversions before and after cancel out.
 *
 * @example combineChecksums(parts)?.value // what the store says of the whole object
 */
export function combineChecksums(stretches: readonly Stretch[]): Checksum | undefined {
  const algorithm = stretches[0]?.checksum.algorithm ?? 'MD5';
  const crc = CRCS[algorithm];
  if (!crc || stretches.some(({ checksum }) => checksum.algorithm !== algorithm)) return undefined;
  const [bits, polynomial] = crc;
  // All parts of an upload but the last have one length: its power is computed once.
  const powers = new Map<number, bigint>();
  let whole = 0n;
  for (const { checksum, sizeBytes } of stretches) {
    const power = powers.get(sizeBytes) ?? powerOfBytes(sizeBytes, bits, polynomial);
    powers.set(sizeBytes, power);
    whole = multiply(whole, power, bits, polynomial) ^ fromBase64(checksum.value);
  }
  return { algorithm, value: toBase64(whole, bits / 8) };
}

/** x^(8n) modulo the polynomial. */
function powerOfBytes(sizeBytes: number, bits: number, polynomial: bigint): bigint {
  let power = 1n << BigInt(bits - 1);
  // x^8: one byte.
  let square = power >> 8n;
  for (let left = sizeBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2) power = multiply(power, square, bits, polynomial);
    square = multiply(square, square, bits, polynomial);
  }
  return power;
}

function multiply(one: bigint, other: bigint, bits: number, polynomial: bigint): bigint {
  let product = 0n;
  for (let bit = 1n << BigInt(bits - 1); bit; bit >>= 1n) {
    if (one & bit) product ^= other;
    other = other & 1n ? (other >> 1n) ^ polynomial : other >> 1n;
  }
  return product;
}

function fromBase64(text: string): bigint {
  let value = 0n;
  for (const character of atob(text)) value = (value << 8n) | BigInt(character.charCodeAt(0));
  return value;
}

function toBase64(value: bigint, bytes: number): string {
  let text = '';
  for (let left = value; text.length < bytes; left >>= 8n)
    text = String.fromCharCode(Number(left & 255n)) + text;
  return btoa(text);
}

/** Whether a checksum is that of a list of parts, by their MD5s, as S3 writes it: `-` and their number stand behind it. */
export function isComposite(checksum: Checksum | undefined): boolean {
  return checksum?.value.includes('-') === true;
}
