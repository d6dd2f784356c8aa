import type { ChecksumAlgorithm, Digest } from '../checksums/algorithms.ts';
import { checksumHeader, createDigest } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { BodyClaims } from './body-claims.ts';
import { checkedValue } from './body-claims.ts';

/** The hashes of one body while it comes in. */
export interface BodyDigests {
  update(chunk: Uint8Array): void;
  /** Compares with the claims; throws BadDigest, XAmzContentSHA256Mismatch. Ends the computation. */
  verify(trailers: ReadonlyMap<string, string>): VerifiedDigests;
}

/** What a body turned out to be. */
export interface VerifiedDigests {
  /** Hex. */
  readonly md5: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** MD5 always, for the ETag; SHA-256 and a checksum only where somebody asks. */
export async function createBodyDigests(
  claims: BodyClaims,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<BodyDigests> {
  const md5 = await createDigest('MD5');
  const sha256 = claims.sha256 === undefined ? undefined : await createDigest('SHA256');
  const checksum = algorithm === undefined ? undefined : await createDigest(algorithm);
  const digests: readonly Digest[] = [md5, sha256, checksum].filter((digest) => digest !== undefined);
  return {
    update(chunk) {
      for (const digest of digests) digest.update(chunk);
    },
    verify(trailers) {
      const md5Value = md5.digest();
      refuseWrongMd5(claims.md5, md5Value.toString('base64'));
      refuseWrongSha256(claims.sha256, sha256?.digest().toString('hex'));
      const verified = { md5: md5Value.toString('hex') };
      if (algorithm === undefined || checksum === undefined) return verified;
      const value = checksum.digest().toString('base64');
      if (claims.checksum !== undefined) {
        const claimed = claims.checksum.value ?? trailers.get(checksumHeader(algorithm));
        refuseWrongChecksum(algorithm, claimed, value);
      }
      return { ...verified, checksum: { algorithm, value } };
    },
  };
}

function refuseWrongMd5(claimed: string | undefined, computed: string): void {
  if (claimed === undefined || claimed === computed) return;
  throw new S3Error('BadDigest', { details: { ExpectedDigest: claimed, CalculatedDigest: computed } });
}

function refuseWrongSha256(claimed: string | undefined, computed: string | undefined): void {
  if (claimed === undefined || claimed === computed) return;
  throw new S3Error('XAmzContentSHA256Mismatch', {
    details: { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed ?? '' },
  });
}

function refuseWrongChecksum(
  algorithm: ChecksumAlgorithm,
  claimed: string | undefined,
  computed: string,
): void {
  // The trailer that was announced did not come.
  if (claimed === undefined) throw new S3Error('IncompleteBody');
  if (checkedValue(algorithm, claimed) === computed) return;
  throw new S3Error('BadDigest', {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}
