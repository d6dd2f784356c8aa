import type { Checksum } from '@longhaul/protocol';
import type { NewObject } from '../../ports/object-store.ts';
import type { FullObjectAlgorithm, StoreProfile } from '../../ports/store-profile.ts';
import { encryptionHeaders } from './s3-encryption.ts';
import { objectOptionHeaders } from './s3-object-options.ts';

/** Headers that say what an object is: content type, metadata, encryption, and what the store shall keep with it. */
export function newObjectHeaders(input: NewObject): Record<string, string> {
  return {
    'content-type': input.contentType,
    ...metadataHeaders(input.metadata),
    ...encryptionHeaders(input),
    ...objectOptionHeaders(input.objectOptions),
  };
}

/** Header of a checksum; none where the store would not verify it. */
export function checksumHeaders(
  profile: StoreProfile,
  checksum: Checksum | undefined,
): Record<string, string> {
  if (checksum === undefined) return {};
  if (checksum.algorithm === 'MD5') return { 'content-md5': checksum.value };
  return keepsChecksum(profile, checksum.algorithm)
    ? { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value }
    : {};
}

/** Whether the store verifies and keeps that checksum of a whole object. */
export function keepsChecksum(
  profile: StoreProfile,
  algorithm: Checksum['algorithm'] | undefined,
): algorithm is FullObjectAlgorithm {
  return profile.fullObjectChecksums.some((kept) => kept === algorithm);
}

/** The first full-object checksum that the SDK's answer carries. */
export function readChecksum(
  fields: Readonly<Partial<Record<`Checksum${FullObjectAlgorithm}`, string | undefined>>>,
): Checksum | undefined {
  for (const algorithm of ['CRC64NVME', 'CRC32C', 'CRC32'] as const) {
    const value = fields[`Checksum${algorithm}`];
    // A value with a dash is a checksum of checksums, which says nothing to somebody who does not know the parts.
    if (value !== undefined && !value.includes('-')) return { algorithm, value };
  }
  return undefined;
}

/**
 * Metadata as it may stand in a header. The signer of the SDK turns CR and LF into a space instead of refusing them.
 *
 * @throws {TypeError} on a name or value that no header can carry unchanged
 */
export function checkMetadata(metadata: NewObject['metadata']): Record<string, string> {
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
      throw new TypeError(`metadata name ${JSON.stringify(name)} must be lower-case letters, digits, . _ -`);
    }
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new TypeError(`metadata ${name} must be printable US-ASCII; encode it first`);
    }
  }
  return { ...metadata };
}

function metadataHeaders(metadata: NewObject['metadata']): Record<string, string> {
  const entries = Object.entries(checkMetadata(metadata));
  return Object.fromEntries(entries.map(([name, value]) => [`x-amz-meta-${name}`, value]));
}
