import type { ChecksumAlgorithm } from '../checksums/algorithms.ts';
import { checksumHeader } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { BodyClaims } from './body-claims.ts';
import { checkedValue } from './body-claims.ts';
import type { HashName } from './hasher.ts';

/** What a body turned out to be. */
export interface VerifiedDigests {
  /** Hex. */
  readonly md5: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** What has to be computed: MD5 always, for the ETag; the others only where somebody asks. */
export interface WantedDigests {
  readonly claims: BodyClaims;
  readonly algorithm: ChecksumAlgorithm | undefined;
}

/** The hashes to compute, in the order in which {@link verifyDigests} wants their values. */
export function hashNames({ claims, algorithm }: WantedDigests): readonly HashName[] {
  const sha256 = claims.sha256 === undefined ? [] : (['SHA256'] as const);
  return ['MD5', ...sha256, ...(algorithm === undefined ? [] : [algorithm])];
}

/** Compares the values with the claims; throws BadDigest and XAmzContentSHA256Mismatch. */
export function verifyDigests(
  values: readonly Buffer[],
  { claims, algorithm }: WantedDigests,
  trailers: ReadonlyMap<string, string>,
): VerifiedDigests {
  const [md5 = Buffer.alloc(0), ...others] = values;
  refuseWrongMd5(claims.md5, md5.toString('base64'));
  if (claims.sha256 !== undefined) refuseWrongSha256(claims.sha256, others.shift()?.toString('hex'));
  const verified = { md5: md5.toString('hex') };
  const value = others.shift()?.toString('base64');
  if (algorithm === undefined || value === undefined) return verified;
  if (claims.checksum !== undefined) {
    const claimed = claims.checksum.value ?? trailers.get(checksumHeader(algorithm));
    refuseWrongChecksum(algorithm, claimed, value);
  }
  return { ...verified, checksum: { algorithm, value } };
}

function refuseWrongMd5(claimed: string | undefined, computed: string): void {
  if (claimed === undefined || claimed === computed) return;
  throw new S3Error('BadDigest', { details: { ExpectedDigest: claimed, CalculatedDigest: computed } });
}

function refuseWrongSha256(claimed: string, computed: string | undefined): void {
  if (claimed === computed) return;
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
