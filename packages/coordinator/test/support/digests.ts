import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type Checksum,
  closePlan,
  type CreateUploadResponse,
  type Grant,
  partRanges,
  type PartToSign,
  type Receipt,
} from '@longhaul/protocol';
import { put, type TestCoordinator } from './start-coordinator.ts';

/** CRC32 as S3 writes it. */
export function crcOf(bytes: Uint8Array): Checksum {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return { algorithm: 'CRC32', value: value.toString('base64') };
}

/** MD5 as Content-MD5 carries it. */
export function md5Of(bytes: Uint8Array): Checksum {
  return { algorithm: 'MD5', value: createHash('md5').update(bytes).digest('base64') };
}

/** What S3 calls a composite: the MD5 of the MD5s of parts, and how many they are. */
export function compositeOf(parts: readonly { readonly checksum: Checksum }[]): Checksum {
  const md5s = parts.map(({ checksum }) => Buffer.from(checksum.value, 'base64'));
  return { algorithm: 'MD5', value: `${md5Of(Buffer.concat(md5s)).value}-${parts.length}` };
}

/** A part of an upload, with its bytes and its digest. */
export interface DigestedPart extends PartToSign {
  readonly bytes: Uint8Array;
  readonly checksum: Checksum;
}

/** Every part of an upload. */
export function digestedParts(
  { plan }: CreateUploadResponse,
  content: Uint8Array,
  digest: (bytes: Uint8Array) => Checksum = crcOf,
): DigestedPart[] {
  return partRanges(closePlan(plan, content.byteLength)).map(({ partNumber, offsetBytes, sizeBytes }) => {
    const bytes = content.subarray(offsetBytes, offsetBytes + sizeBytes);
    return { partNumber, sizeBytes, bytes, checksum: digest(bytes) };
  });
}

/** A URL for a part, signed with its digest. */
export async function grantOf(
  coordinator: TestCoordinator,
  upload: CreateUploadResponse,
  { partNumber, sizeBytes, checksum }: DigestedPart,
): Promise<Grant> {
  const { answer } = await coordinator.parts(upload, { sign: [{ partNumber, sizeBytes, checksum }] });
  const [grant] = answer.grants;
  if (!grant) throw new Error(`part ${partNumber} got no URL`);
  return grant;
}

/** Sends a part as its digest says, and reports it; what is reported may be told otherwise. */
export async function sendDigested(
  coordinator: TestCoordinator,
  upload: CreateUploadResponse,
  part: DigestedPart,
  told: Partial<Receipt> = {},
): Promise<void> {
  const response = await put(await grantOf(coordinator, upload, part), part.bytes);
  const etag = response.headers.get('etag');
  if (!response.ok || etag === null) throw new Error(`PUT answered ${response.status}`);
  const { partNumber, sizeBytes, checksum } = part;
  const report = [{ partNumber, sizeBytes, etag, checksum, ...told }];
  const { status } = await coordinator.parts(upload, { report });
  if (status !== 200) throw new Error(`the report answered ${status}`);
}
