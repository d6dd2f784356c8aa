import type { Digest } from './algorithms.ts';
import { CHECKSUM_BYTES, CRC_POLYNOMIALS, createDigest } from './algorithms.ts';
import type { ChecksumAlgorithm } from './algorithms.ts';

/** Checksum and length of one stretch of an object. */
export interface CrcOfStretch {
  readonly value: Buffer;
  readonly sizeBytes: number;
}

/**
 * CRC of stretches laid end to end, from their CRCs and lengths alone.
 *
 * A reflected CRC is a polynomial over GF(2) with its highest power in the lowest bit. Appending n bytes multiplies
 * what came before by x^(8n) modulo the polynomial; the inversions before and after cancel out.
 */
export function combineCrcs(
  algorithm: keyof typeof CRC_POLYNOMIALS,
  stretches: readonly CrcOfStretch[],
): Buffer {
  const field = createField(BigInt(CRC_POLYNOMIALS[algorithm]), CHECKSUM_BYTES[algorithm] * 8);
  // All parts of an upload but the last have one length: its power is computed once.
  const powers = new Map<number, bigint>();
  let combined = 0n;
  for (const { value, sizeBytes } of stretches) {
    const power = powers.get(sizeBytes) ?? field.powerOfX(BigInt(sizeBytes) * 8n);
    powers.set(sizeBytes, power);
    combined = field.multiply(combined, power) ^ BigInt(`0x${value.toString('hex')}`);
  }
  return Buffer.from(combined.toString(16).padStart(CHECKSUM_BYTES[algorithm] * 2, '0'), 'hex');
}

/** Checksum of the parts' checksums, the way of COMPOSITE. The caller appends `-N`. */
export async function digestOfDigests(
  algorithm: ChecksumAlgorithm,
  values: readonly Buffer[],
): Promise<Buffer> {
  const digest: Digest = await createDigest(algorithm);
  for (const value of values) digest.update(value);
  return digest.digest();
}

interface Field {
  multiply(a: bigint, b: bigint): bigint;
  powerOfX(exponent: bigint): bigint;
}

function createField(polynomial: bigint, bits: number): Field {
  const one = 1n << BigInt(bits - 1);
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let shifted = b;
    for (let bit = one; bit > 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= shifted;
      shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ polynomial;
    }
    return product;
  };
  const powerOfX = (exponent: bigint): bigint => {
    let result = one;
    let square = one >> 1n;
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
      if ((rest & 1n) === 1n) result = multiply(result, square);
      square = multiply(square, square);
    }
    return result;
  };
  return { multiply, powerOfX };
}
