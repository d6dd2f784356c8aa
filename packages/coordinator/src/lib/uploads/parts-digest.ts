import { createHash } from 'node:crypto';
import type { StoredPart } from '../ports/object-store.ts';

/**
 * Digest of a frozen list of parts. Where the ETags of parts are MD5s it is the ETag that S3 makes for the object, the
 * MD5 of those MD5s with the number of parts behind it, so that the object can be recognised by it.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function partsDigestOf(parts: readonly StoredPart[]): string {
  const md5s = parts.map(({ etag }) => /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1]);
  if (md5s.every((md5) => md5 !== undefined)) {
    return `"${createHash('md5')
      .update(Buffer.from(md5s.join(''), 'hex'))
      .digest('hex')}-${parts.length}"`;
  }
  const lines = parts.map((part) => `${part.partNumber} ${part.etag} ${part.sizeBytes}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}
