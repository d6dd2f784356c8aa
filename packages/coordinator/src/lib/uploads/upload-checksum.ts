import type { Checksum, ChecksumAlgorithm, ReceivedPart } from '@longhaul/protocol';
import type { StoredPart } from '../ports/object-store.ts';
import type { FullObjectAlgorithm, StoreProfile } from '../ports/store-profile.ts';
import type { UploadRecord } from '../ports/upload-record.ts';

/**
 * Best first. CRC32 costs a client least: zlib has it everywhere. MD5 is refused part by part, but says nothing of the
 * whole.
 */
const PREFERENCE: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC64NVME', 'CRC32C', 'MD5'];

/** How parts are digested: the best that the store verifies and the client can make. */
export function chooseChecksum(
  { fullObjectChecksums, contentMd5 }: StoreProfile,
  offered: readonly ChecksumAlgorithm[] = [],
): ChecksumAlgorithm | undefined {
  return PREFERENCE.find((algorithm) => {
    const isVerified = algorithm === 'MD5' ? contentMd5 : fullObjectChecksums.includes(algorithm);
    return isVerified && offered.includes(algorithm);
  });
}

/** The algorithm to declare to the store; none for MD5, which travels as Content-MD5 with each part. */
export function declaredAlgorithm({
  checksumAlgorithm,
}: Pick<UploadRecord, 'checksumAlgorithm'>): FullObjectAlgorithm | undefined {
  return checksumAlgorithm === 'MD5' ? undefined : checksumAlgorithm;
}

/** The checksum, if it is by that algorithm. */
export function checksumBy(
  algorithm: ChecksumAlgorithm | undefined,
  checksum: Checksum | undefined,
): Checksum | undefined {
  return checksum && checksum.algorithm === algorithm ? checksum : undefined;
}

/** The ETag of content with that MD5, where a store makes ETags so. */
export function etagOfMd5({ value }: Checksum): string {
  return `"${Buffer.from(value, 'base64').toString('hex')}"`;
}

/**
 * A stored part as its client is told of it. Where MD5s are used the ETag may be one: if it is not, because the store
 * encrypts with a key service for example, it agrees with no content, and the part is sent again.
 */
export function receivedPartOf(
  { checksumAlgorithm }: Pick<UploadRecord, 'checksumAlgorithm'>,
  { partNumber, sizeBytes, checksum, etag }: StoredPart,
): ReceivedPart {
  const known = checksumBy(checksumAlgorithm, checksum) ?? (checksumAlgorithm === 'MD5' && md5OfEtag(etag));
  return { partNumber, sizeBytes, ...(known && { checksum: known }) };
}

function md5OfEtag(etag: string): Checksum | undefined {
  const hex = /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1];
  return hex === undefined
    ? undefined
    : { algorithm: 'MD5', value: Buffer.from(hex, 'hex').toString('base64') };
}
