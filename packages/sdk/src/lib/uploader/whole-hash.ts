import type { Checksum, RotationCopy } from '@longhaul/protocol';
import { createHash } from '../integrity/create-hash.ts';
import { createMd5 } from '../integrity/md5.ts';
import { base64Of } from './customer-key.ts';

/** Digests a content that comes in order, part by part. */
export interface WholeHash {
  /** @param md5 of these bytes, which whoever sends them has anyway */
  update(bytes: Uint8Array, md5: Uint8Array): void;
  digest(): Checksum;
}

/**
 * Digests a content as it was when it was uploaded: by an MD5 of the MD5s of its parts, where those are said. `undefined`: by what
 * cannot be computed here.
 */
export function createWholeHash({
  digest,
  plan,
}: Pick<RotationCopy, 'digest' | 'plan'>): WholeHash | undefined {
  if (!digest || digest.algorithm === 'CRC32C') return undefined;
  const { algorithm, partSizeBytes } = digest;
  if (partSizeBytes === plan.partSizeBytes) return createHashOfMd5s();
  if (partSizeBytes !== undefined) return createCompositeHash(partSizeBytes);
  const hash = createHash(algorithm);
  return {
    update: (bytes) => hash.update(bytes),
    digest: () => ({ algorithm, value: base64Of(hash.digest()) }),
  };
}

/** Of a composite whose parts are those that come: nothing has to be digested twice. */
function createHashOfMd5s(): WholeHash {
  const composite = createMd5();
  let partCount = 0;
  return {
    update(_bytes, md5) {
      composite.update(md5);
      partCount++;
    },
    digest: () => ({ algorithm: 'MD5', value: `${base64Of(composite.digest())}-${partCount}` }),
  };
}

function createCompositeHash(partSizeBytes: number): WholeHash {
  const composite = createMd5();
  let partCount = 0;
  let part = createMd5();
  let sizeBytes = 0;
  const end = (): void => {
    composite.update(part.digest());
    partCount++;
    part = createMd5();
    sizeBytes = 0;
  };
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length;) {
        if (sizeBytes === partSizeBytes) end();
        const piece = bytes.subarray(at, at + partSizeBytes - sizeBytes);
        part.update(piece);
        sizeBytes += piece.length;
        at += piece.length;
      }
    },
    digest() {
      end();
      return { algorithm: 'MD5', value: `${base64Of(composite.digest())}-${partCount}` };
    },
  };
}
