import type { Checksum } from '@longhaul/protocol';
import { toBase64 } from '../base64.ts';
import { createMd5 } from './md5.ts';

/** The MD5 of a whole in several parts, as S3 writes it: of the MD5s of its parts, and how many they are. */
export function compositeMd5(parts: readonly { readonly checksum: Checksum }[]): Checksum {
  const hash = createMd5();
  for (const { checksum } of parts)
    hash.update(Uint8Array.from(atob(checksum.value), (byte) => byte.charCodeAt(0)));
  return { algorithm: 'MD5', value: `${toBase64(hash.digest())}-${parts.length}` };
}
