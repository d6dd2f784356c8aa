import type { Checksum } from '@longhaul/protocol';
import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  type NewObject,
  ObjectStoreError,
  type PutOutcome,
  type StoredObject,
} from '../../ports/object-store.ts';
import type { CustomerKey } from '../../ports/key-vault.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';
import type { S3Connection } from './s3-client.ts';
import { isNothingThere, readS3Failure, toObjectStoreError } from './s3-error.ts';
import { customerKeyInput, encryptionInput, readEncryption } from './s3-encryption.ts';
import { checkMetadata, keepsChecksum, readChecksum } from './s3-headers.ts';
import { objectOptionsInput } from './s3-object-options.ts';

/** One object, or one version of it. */
export interface ObjectRef {
  readonly key: string;
  readonly versionId?: string;
}

/** Writes a whole object unless one is there. */
export async function putObject(
  connection: S3Connection,
  input: NewObject & { readonly body: Uint8Array; readonly checksum?: Checksum },
): Promise<PutOutcome> {
  const { bucket, profile, client, callTimeoutMs } = connection;
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: input.key,
    Body: input.body,
    ContentType: input.contentType,
    ...bodyChecksum(profile, input),
    Metadata: checkMetadata(input.metadata),
    ...encryptionInput(input),
    ...objectOptionsInput(input.objectOptions),
    ...(profile.putIfNoneMatch && { IfNoneMatch: '*' }),
  });
  try {
    const output = await client.send(command, { abortSignal: AbortSignal.timeout(callTimeoutMs) });
    if (!output.ETag) return { kind: 'unknown', reason: 'the answer has no ETag' };
    return {
      kind: 'stored',
      etag: output.ETag,
      ...(output.VersionId !== undefined && { versionId: output.VersionId }),
    };
  } catch (error) {
    return outcomeOfFailure(`PutObject of s3://${bucket}/${input.key}`, error);
  }
}

/** What stands at the key; `undefined` when nothing does. */
export async function headObject(
  connection: S3Connection,
  { key, versionId, customerKey }: ObjectRef & { readonly customerKey?: CustomerKey },
): Promise<StoredObject | undefined> {
  const { bucket, profile, client, callTimeoutMs } = connection;
  const call = `HeadObject of s3://${bucket}/${key}`;
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    VersionId: versionId,
    ...customerKeyInput(customerKey),
    // Some stores refuse this header, so it goes only where there is a checksum to be told.
    ...(profile.fullObjectChecksums.length > 0 && { ChecksumMode: 'ENABLED' }),
  });
  try {
    return toStoredObject(
      call,
      await client.send(command, { abortSignal: AbortSignal.timeout(callTimeoutMs) }),
    );
  } catch (error) {
    if (isNothingThere(error)) return undefined;
    throw toObjectStoreError(call, error);
  }
}

/** Deletes one version, or the object of an unversioned bucket. Nothing there is a success. */
export async function deleteObject(
  { bucket, client, callTimeoutMs }: S3Connection,
  { key, versionId }: ObjectRef,
): Promise<void> {
  try {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }), {
      abortSignal: AbortSignal.timeout(callTimeoutMs),
    });
  } catch (error) {
    if (!isNothingThere(error)) throw toObjectStoreError(`DeleteObject of s3://${bucket}/${key}`, error);
  }
}

/** The caller's checksum where the store keeps it; else an MD5, which every store verifies. */
function bodyChecksum(
  profile: StoreProfile,
  { body, checksum }: { readonly body: Uint8Array; readonly checksum?: Checksum },
): Record<string, string> {
  return checksum && keepsChecksum(profile, checksum.algorithm)
    ? { [`Checksum${checksum.algorithm}`]: checksum.value }
    : { ContentMD5: createHash('md5').update(body).digest('base64') };
}

function outcomeOfFailure(call: string, error: unknown): PutOutcome {
  const { httpStatus, message } = readS3Failure(error);
  if (httpStatus === 412) return { kind: 'exists' };
  const refusal = toObjectStoreError(call, error);
  const isDefinite = refusal.kind === 'refused' || refusal.kind === 'unsent';
  if (isDefinite && httpStatus !== 409) throw refusal;
  return { kind: 'unknown', reason: message };
}

function toStoredObject(call: string, output: HeadObjectCommandOutput): StoredObject {
  const { ETag, ContentLength } = output;
  if (ETag === undefined || ContentLength === undefined) {
    throw new ObjectStoreError('unreachable', `${call} got no usable answer: no ETag or no length`);
  }
  const checksum = output.ChecksumType === 'COMPOSITE' ? undefined : readChecksum(output);
  const encryption = readEncryption(output);
  return {
    etag: ETag,
    sizeBytes: ContentLength,
    metadata: output.Metadata ?? {},
    ...(output.VersionId !== undefined && { versionId: output.VersionId }),
    ...(output.ContentType !== undefined && { contentType: output.ContentType }),
    ...(output.LastModified !== undefined && { lastModifiedEpochMs: output.LastModified.getTime() }),
    ...(checksum !== undefined && { checksum }),
    ...(encryption && { encryption }),
  };
}
