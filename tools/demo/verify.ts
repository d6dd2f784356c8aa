import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 (hex) of a file on disk. */
export async function hashFile(path: string): Promise<string> {
  return await hashStream(createReadStream(path, { highWaterMark: 1024 ** 2 }));
}

/** SHA-256 (hex) of bytes as they come. */
export async function hashStream(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}
