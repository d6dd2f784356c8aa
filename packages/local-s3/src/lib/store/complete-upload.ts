import { createHash } from 'node:crypto';

import { isCrc } from '../checksums/algorithms.ts';
import { combineCrcs, digestOfDigests } from '../checksums/combine-crc.ts';
import { S3Error } from '../s3-error.ts';
import type { CompletionRequest } from './completion-rules.ts';
import { checkCompletion, digestOfList } from './completion-rules.ts';
import { changingObject, nextVersionId, putVersion, refuseExisting } from './objects.ts';
import type { Store } from './store.ts';
import type { CompletedEnd, CompletionAnswer, DeclaredChecksum, Part, Upload } from './upload.ts';
import type { UploadTarget } from './uploads.ts';
import { changingUpload, endUpload, uploadOf } from './uploads.ts';
import type { KeptChecksum, ObjectVersion } from './versions.ts';

/**
 * Makes one object of the listed parts. Until its record is written there is no object, and after it there is no
 * upload: a process killed at any point leaves one of the two. The same list again gets the same answer.
 */
export async function completeUpload(
  store: Store,
  target: UploadTarget,
  request: CompletionRequest,
): Promise<CompletionAnswer> {
  return await changingUpload(store, target.uploadId, async () => {
    const listDigest = digestOfList(request.parts);
    const earlier = target.bucket.ended.get(target.uploadId);
    const isRepeated = earlier?.kind === 'completed' && earlier.key === target.key;
    if (isRepeated && earlier.listDigest === listDigest) return earlier.answer;

    const upload = uploadOf(store, target);
    const parts = checkCompletion(upload, request, store.minPartSizeBytes);
    const checksum = await checksumOfWhole(upload.checksum, parts);
    refuseWrongChecksum(checksum, request);

    return await changingObject(store, target, async () => {
      if (request.mustBeNew) refuseExisting(target);
      const version = await assemble(store, { upload, parts, listDigest, checksum });
      await putVersion(store, target, version);
      const ended = completionOf(version, upload, listDigest);
      await endUpload(store, target, ended);
      return ended.answer;
    });
  });
}

/** The end of an upload, told by the object that it became. */
export function completionOf(version: ObjectVersion, upload: Upload, listDigest: string): CompletedEnd {
  const answer: CompletionAnswer = {
    etag: version.etag,
    ...(upload.versioning !== undefined && { versionId: version.versionId }),
    ...(version.checksum !== undefined && { checksum: version.checksum }),
  };
  return { kind: 'completed', key: upload.key, listDigest, answer };
}

interface Assembly {
  readonly upload: Upload;
  readonly parts: readonly Part[];
  readonly listDigest: string;
  readonly checksum: KeptChecksum | undefined;
}

async function assemble(
  store: Store,
  { upload, parts, listDigest, checksum }: Assembly,
): Promise<ObjectVersion> {
  const bytes = await store.storage.joinBytes(
    parts.map((part) => part.bytes),
    { mayReuse: parts.length === upload.parts.size },
  );
  return {
    kind: 'object',
    versionId: nextVersionId(store, upload.versioning),
    // "For multipart uploads, the object creation date is the date of initiation of the multipart upload."
    lastModifiedEpochMs: upload.initiatedEpochMs,
    etag: etagOfParts(parts),
    sizeBytes: bytes.sizeBytes,
    bytes,
    headers: upload.headers,
    metadata: upload.metadata,
    ...(upload.encryption && { encryption: upload.encryption }),
    ...(checksum !== undefined && { checksum }),
    completed: { uploadId: upload.uploadId, listDigest },
  };
}

function etagOfParts(parts: readonly Part[]): string {
  const digest = createHash('md5');
  for (const part of parts) digest.update(Buffer.from(part.etag, 'hex'));
  return `${digest.digest('hex')}-${parts.length}`;
}

async function checksumOfWhole(
  declared: DeclaredChecksum | undefined,
  parts: readonly Part[],
): Promise<KeptChecksum | undefined> {
  if (declared === undefined) return undefined;
  const { algorithm, type } = declared;
  const stretches = parts.map(({ checksum, sizeBytes }) => ({
    value: Buffer.from(checksum?.value ?? '', 'base64'),
    sizeBytes,
  }));
  if (type === 'FULL_OBJECT' && isCrc(algorithm)) {
    return { algorithm, type, value: combineCrcs(algorithm, stretches).toString('base64') };
  }
  const values = stretches.map((stretch) => stretch.value);
  const digest = await digestOfDigests(algorithm, values);
  return { algorithm, type, value: `${digest.toString('base64')}-${parts.length}` };
}

function refuseWrongChecksum(
  computed: KeptChecksum | undefined,
  { checksum: claimed }: CompletionRequest,
): void {
  if (claimed === undefined || claimed.value === computed?.value) return;
  throw new S3Error('BadDigest', {
    message: `The ${claimed.algorithm} you specified did not match the calculated checksum.`,
  });
}
