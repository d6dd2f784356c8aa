import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { toBase64 } from './base64.ts';

it.each([0, 1, 2, 3, 255, 8_191, 8_192, 8_193, 262_144])('writes %i bytes as everybody does', (sizeBytes) => {
  const bytes = randomBytes(sizeBytes);
  expect(toBase64(new Uint8Array(bytes))).toBe(bytes.toString('base64'));
});
