import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
} from '@aws-sdk/client-s3';
import {
  type CreatedMultipart,
  type MultipartRef,
  type NewObject,
  ObjectStoreError,
  type OpenMultipart,
  type OpenMultipartMarker,
  type OpenMultipartPage,
  type StoredPart,
} from '../../ports/object-store.ts';
import type { FullObjectAlgorithm } from '../../ports/store-profile.ts';
import type { S3Connection } from './s3-client.ts';
import { isGoneUpload, toObjectStoreError } from './s3-error.ts';
import { encryptionInput } from './s3-encryption.ts';
import { checkMetadata, keepsChecksum, readChecksum } from './s3-headers.ts';
import { objectOptionsInput } from './s3-object-options.ts';

/** Sends CreateMultipartUpload once. */
export async function createMultipartUpload(
  connection: S3Connection,
  input: NewObject & { readonly checksumAlgorithm?: FullObjectAlgorithm },
): Promise<CreatedMultipart> {
  const { bucket, profile, createTimeoutMs } = connection;
  const call = `CreateMultipartUpload of s3://${bucket}/${input.key}`;
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: input.key,
    ContentType: input.contentType,
    Metadata: checkMetadata(input.metadata),
    ...encryptionInput(input),
    ...objectOptionsInput(input.objectOptions),
    ...(keepsChecksum(profile, input.checksumAlgorithm) && {
      ChecksumAlgorithm: input.checksumAlgorithm,
      ChecksumType: 'FULL_OBJECT',
    }),
  });
  try {
    const abortSignal = AbortSignal.timeout(createTimeoutMs);
    const output = await connection.onceClient.send(command, { abortSignal });
    return {
      s3UploadId: output.UploadId ?? malformed(call, 'no UploadId'),
      ...abortTime(output.AbortDate, profile.abortAfterDays),
    };
  } catch (error) {
    throw toObjectStoreError(call, error);
  }
}

/** By the bucket's rule, which the answer tells of; else by the store's own, which only its profile does. */
function abortTime(
  abortDate: Date | undefined,
  abortAfterDays: number | undefined,
): Pick<CreatedMultipart, 'abortAtEpochMs'> {
  if (abortDate !== undefined) return { abortAtEpochMs: abortDate.getTime() };
  return abortAfterDays === undefined ? {} : { abortAtEpochMs: Date.now() + abortAfterDays * DAY_MS };
}

const DAY_MS = 86_400_000;

/** All parts of an upload, page by page; `undefined` when the store knows no such upload. */
export async function listParts(
  { bucket, client, callTimeoutMs }: S3Connection,
  { key, s3UploadId }: MultipartRef,
): Promise<readonly StoredPart[] | undefined> {
  const call = `ListParts of s3://${bucket}/${key}`;
  const parts: StoredPart[] = [];
  try {
    for (let marker: string | undefined; ;) {
      const page: ListPartsCommandOutput = await client.send(
        new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: s3UploadId, PartNumberMarker: marker }),
        { abortSignal: AbortSignal.timeout(callTimeoutMs) },
      );
      parts.push(...(page.Parts ?? []).map((part) => toStoredPart(call, part)));
      if (page.IsTruncated !== true) return parts;
      marker = nextMarker(call, marker, page.NextPartNumberMarker);
    }
  } catch (error) {
    if (isGoneUpload(error)) return undefined;
    throw toObjectStoreError(call, error);
  }
}

/** Ends an upload. One that is gone is a success. */
export async function abortMultipartUpload(
  { bucket, client, callTimeoutMs }: S3Connection,
  { key, s3UploadId }: MultipartRef,
): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: s3UploadId }), {
      abortSignal: AbortSignal.timeout(callTimeoutMs),
    });
  } catch (error) {
    if (!isGoneUpload(error))
      throw toObjectStoreError(`AbortMultipartUpload of s3://${bucket}/${key}`, error);
  }
}

/** All unfinished uploads under a prefix, page by page. */
export async function listMultipartUploads(
  connection: S3Connection,
  { prefix }: { readonly prefix: string },
): Promise<readonly OpenMultipart[]> {
  const uploads: OpenMultipart[] = [];
  for (let after: OpenMultipartMarker | undefined; ;) {
    const page = await listMultipartUploadsPage(connection, { prefix, ...(after && { after }) });
    uploads.push(...page.uploads);
    if (!page.next) return uploads;
    after = page.next;
  }
}

/** One page of them. */
export async function listMultipartUploadsPage(
  { bucket, client, callTimeoutMs }: S3Connection,
  { prefix, after }: { readonly prefix: string; readonly after?: OpenMultipartMarker },
): Promise<OpenMultipartPage> {
  const call = `ListMultipartUploads of s3://${bucket}/${prefix}`;
  try {
    const page = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        Prefix: prefix,
        KeyMarker: after?.key,
        UploadIdMarker: after?.s3UploadId,
      }),
      { abortSignal: AbortSignal.timeout(callTimeoutMs) },
    );
    const uploads = (page.Uploads ?? []).map((upload) => toOpenMultipart(call, upload));
    return page.IsTruncated === true ? { uploads, next: nextUploadMarker(call, after, page) } : { uploads };
  } catch (error) {
    throw toObjectStoreError(call, error);
  }
}

function nextUploadMarker(
  call: string,
  after: OpenMultipartMarker | undefined,
  page: ListMultipartUploadsCommandOutput,
): OpenMultipartMarker {
  const key = page.NextKeyMarker ?? malformed(call, 'a page without its next marker');
  const s3UploadId = page.NextUploadIdMarker;
  if (key === after?.key && s3UploadId === after.s3UploadId) malformed(call, 'the same page again');
  return { key, ...(s3UploadId !== undefined && { s3UploadId }) };
}

function nextMarker(call: string, marker: string | undefined, next: string | undefined): string {
  if (next === undefined || Number(next) <= Number(marker ?? 0)) malformed(call, 'the same page again');
  return next;
}

function toStoredPart(call: string, part: NonNullable<ListPartsCommandOutput['Parts']>[number]): StoredPart {
  const { PartNumber, Size, ETag, LastModified } = part;
  if (PartNumber === undefined || Size === undefined || ETag === undefined) {
    malformed(call, 'a part without number, size or ETag');
  }
  const checksum = readChecksum(part);
  return {
    partNumber: PartNumber,
    sizeBytes: Size,
    etag: ETag,
    ...(checksum !== undefined && { checksum }),
    ...(LastModified !== undefined && { lastModifiedEpochMs: LastModified.getTime() }),
  };
}

function toOpenMultipart(
  call: string,
  { Key, UploadId, Initiated }: NonNullable<ListMultipartUploadsCommandOutput['Uploads']>[number],
): OpenMultipart {
  if (Key === undefined || UploadId === undefined) malformed(call, 'an upload without key or id');
  return { key: Key, s3UploadId: UploadId, initiatedAtEpochMs: Initiated?.getTime() ?? 0 };
}

function malformed(call: string, what: string): never {
  throw new ObjectStoreError('unreachable', `${call} got no usable answer: ${what}`);
}
