import { open, readFile } from 'node:fs/promises';

/** Random bytes, read back once so that the page cache is warm for everybody. */
export async function makeFile(path: string, sizeBytes: number): Promise<void> {
  const chunk = crypto.getRandomValues(new Uint8Array(65_536));
  const block = Buffer.concat(Array.from({ length: 64 }, () => chunk));
  const file = await open(path, 'w');
  for (let written = 0; written < sizeBytes; written += block.length) {
    await file.write(block, 0, Math.min(block.length, sizeBytes - written));
  }
  await file.close();
  if (sizeBytes < 2 ** 31) await readFile(path);
}
