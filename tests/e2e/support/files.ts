import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** Writes a file of random bytes: each MiB is a block of its own, so no two parts are equal. */
export async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  const block = randomBytes(1024 ** 2);
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < sizeBytes; written += block.length) {
      block.writeBigUInt64LE(BigInt(written));
      await file.write(block, 0, Math.min(block.length, sizeBytes - written));
    }
  } finally {
    await file.close();
  }
}

/** Makes a file of zeros that takes no space on disk. */
export async function writeSparseFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.truncate(sizeBytes);
  } finally {
    await file.close();
  }
}

/** SHA-256 (hex). */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 }))
    hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
