import { createHash } from 'node:crypto';
import {
  type Checksum,
  type ChecksumAlgorithm,
  combineChecksums,
  isComposite,
  type ReceivedPart,
} from '@longhaul/protocol';
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

/** The ETag of content with that MD5, or of parts that make it, where a store makes ETags so. */
export function etagOfMd5({ value }: Checksum): string {
  const [md5 = '', partCount] = value.split('-');
  return `"${Buffer.from(md5, 'base64').toString('hex')}${partCount === undefined ? '' : `-${partCount}`}"`;
}

/**
 * What a list of parts is as a whole, in the form in which a client tells it: CRCs combine; the MD5s of several parts make
 * what S3 calls a composite. `undefined`: of some part nobody knows the digest.
 */
export function checksumOfParts(
  record: Pick<UploadRecord, 'checksumAlgorithm'>,
  parts: readonly StoredPart[],
): Checksum | undefined {
  const known = parts.map((part) => receivedPartOf(record, part));
  const stretches = known.flatMap(({ sizeBytes, checksum }) => (checksum ? [{ sizeBytes, checksum }] : []));
  if (stretches.length < parts.length) return undefined;
  const [first] = stretches;
  if (stretches.length < 2 || first?.checksum.algorithm !== 'MD5')
    return combineChecksums(stretches) ?? first?.checksum;
  const md5 = createHash('md5');
  for (const { checksum } of stretches) md5.update(checksum.value, 'base64');
  return { algorithm: 'MD5', value: `${md5.digest('base64')}-${stretches.length}` };
}

/** Whether two checksums of wholes are of different contents; `undefined` where they cannot be compared. */
export function differ(one: Checksum | undefined, other: Checksum | undefined): boolean | undefined {
  if (!one || one.algorithm !== other?.algorithm || isComposite(one) !== isComposite(other)) return undefined;
  return one.value !== other.value;
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
