import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Upload } from '@aws-sdk/lib-storage';
import { createPeerClient } from '../measuring/peer-s3-client.ts';
import type { FaultBackend } from './backend.ts';

/** The part size that lib-storage takes when nobody says otherwise. */
const PART_SIZE_BYTES = 5 * 1024 ** 2;

/** Uploads a file as lib-storage does it by itself. */
export async function uploadWithLibStorage(
  { proxy: endpoint, bucket, credentials }: Pick<FaultBackend, 'proxy' | 'bucket' | 'credentials'>,
  file: string,
  index: number,
): Promise<{ readonly key: string; readonly parts: number }> {
  const client = createPeerClient({ endpoint, credentials });
  const key = `lib-storage/${index}`;
  try {
    const params = { Bucket: bucket, Key: key, Body: createReadStream(file) };
    await new Upload({ client, params }).done();
  } finally {
    client.destroy();
  }
  return { key, parts: Math.ceil((await stat(file)).size / PART_SIZE_BYTES) };
}
