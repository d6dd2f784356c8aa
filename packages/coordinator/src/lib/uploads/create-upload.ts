import type { CreateUploadRequest, CreateUploadResponse } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { InsertOutcome } from '../ports/catalog.ts';
import type { UploadDraft, UploadRecord } from '../ports/upload-record.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { answerCreate } from './answer-create.ts';
import { completeInline } from './complete-whole.ts';
import type { UploadContext } from './context.ts';
import { customerKeyOf, isBlind, keepCustomerKey } from './customer-key.ts';
import { draftUpload, payloadOf } from './draft-upload.ts';
import { isOpenAtStore, restoreHot } from './hot-state.ts';
import { keyTemplate } from './key-template.ts';
import { newObjectOf } from './new-object.ts';
import { quotaOf, withinQuota } from './owner-quota.ts';
import { resumeUpload } from './resume-upload.ts';
import { declaredAlgorithm, differ } from './upload-checksum.ts';

/**
 * Begins an upload, or finds the one that the same create began before, or an open one of the same content.
 *
 * The row comes first, then the store, then the store's id by compare-and-set: whatever dies in between, a repeated
 * create goes on from there.
 *
 * @throws CoordinatorError when the request cannot be accepted; ObjectStoreError and CatalogError from the ports
 */
export async function createUpload(
  context: UploadContext,
  owner: string,
  request: CreateUploadRequest,
): Promise<CreateUploadResponse> {
  const draft = draftUpload(context, owner, request, await keyTemplate(context));
  const { kind, record } = await insertOrFind(context, draft, request);
  const isOther = record.requestDigest !== draft.requestDigest || record.bucket !== draft.bucket;
  if (kind === 'repeated' && isOther) {
    throw new CoordinatorError(
      'create-conflict',
      `The createId ${request.createId} was used for another upload. Make a new UUID for each upload.`,
      { uploadId: record.uploadId },
    );
  }
  // Whoever comes back to an upload will send, and the first part may take longer than what is left of its idle limit.
  if (kind !== 'inserted') context.noteActivity(record);
  const taken = kind === 'inserted' ? record : await takeOver(context, record, request);
  const mine = kind === 'inserted' ? record : await takeUp(context, taken);
  await keepCustomerKey(context, mine, request);
  const opened = await openAtStore(context, mine, request).catch((error: unknown) => {
    throw encryptionRefusal(record, error) ?? error;
  });
  // Its own token, whatever was taken over since: of several at once the last one goes on, and nobody else.
  const { tokenVersion } = taken;
  if (kind === 'inserted') return await answerCreate(context, { ...opened, tokenVersion }, request);
  const resumed = await resumeUpload(context, opened);
  // Ended just now, and another createId's: this one may still have an upload of its own.
  if (kind === 'open' && resumed.record.state === 'EXPIRED')
    return await createUpload(context, owner, request);
  return await answerCreate(context, { ...resumed.record, tokenVersion }, request, resumed);
}

/** A row that is still PENDING: somebody may have created it at the store without living to write down its id. */
async function takeUp({ catalog, settings }: UploadContext, record: UploadRecord): Promise<UploadRecord> {
  if (record.state !== 'PENDING') return record;
  const { uploadId } = record;
  const pending = await catalog.repeatCreate(uploadId, settings.pendingLimitMs);
  return pending ?? (await catalog.find(uploadId)) ?? record;
}

/** Leaves whoever has an older token outside. Hot state hears of it when the upload is taken up. */
async function takeOver(
  { catalog }: UploadContext,
  record: UploadRecord,
  { takeover }: CreateUploadRequest,
): Promise<UploadRecord> {
  if (takeover !== true) return record;
  return (await catalog.revokeTokens(record.uploadId)) ?? record;
}

/** The row of the draft, or the one that it repeats or resumes. */
async function insertOrFind(
  context: UploadContext,
  draft: UploadDraft,
  { checksums = [] }: CreateUploadRequest,
): Promise<InsertOutcome> {
  const quota = await quotaOf(context, draft.owner);
  const insert = (wanted: UploadDraft): Promise<InsertOutcome> =>
    withinQuota(() => context.catalog.insert(wanted, quota));
  const found = await insert(draft);
  const { checksum, checksumAlgorithm } = found.record;
  // A fingerprint samples the content. Where the whole was digested too, another digest is another content.
  const isOther = differ(draft.checksum, checksum);
  // A store may refuse parts without the digests that it was promised.
  const isBeyondClient = checksumAlgorithm && !checksums.includes(checksumAlgorithm);
  return found.kind === 'open' && (isOther || isBeyondClient)
    ? await insert({ ...draft, resumable: false })
    : found;
}

/** Takes an upload from its row to where bytes can be sent, or (inline) to its end. */
async function openAtStore(
  context: UploadContext,
  record: UploadRecord,
  request: CreateUploadRequest,
): Promise<UploadRecord> {
  if (record.mode === 'inline') {
    const payload = payloadOf(request);
    return payload ? await completeInline(context, record, payload) : record;
  }
  if (record.state !== 'PENDING') return record;
  if (record.mode === 'single') {
    return (await context.catalog.openWithoutMultipart(record.uploadId)) ?? (await reread(context, record));
  }
  return isBlind(context, record)
    ? await leaveToClient(context, record)
    : await openMultipart(context, record);
}

/**
 * The client opens it, with its own key. Whoever holds the URL for that may use it more than once, so what is left under the
 * key is looked for once the upload has ended.
 */
async function leaveToClient(
  { catalog, settings }: UploadContext,
  record: UploadRecord,
): Promise<UploadRecord> {
  if (record.createRepeated) return record;
  const { uploadId } = record;
  return (
    (await catalog.repeatCreate(uploadId, settings.pendingLimitMs)) ??
    (await catalog.find(uploadId)) ??
    record
  );
}

/** A store says NotImplemented to a header that it does not know; the only one that the client chose is encryption. */
function encryptionRefusal(record: UploadRecord, error: unknown): CoordinatorError | undefined {
  if (!record.encryption || !(error instanceof ObjectStoreError) || error.s3Code !== 'NotImplemented')
    return undefined;
  return new CoordinatorError(
    'encryption-unsupported',
    `The store cannot encrypt with ${record.encryption.mode}. Leave encryption out, or ask for a mode that the store has.`,
    { uploadId: record.uploadId, s3Code: error.s3Code },
    error,
  );
}

async function openMultipart(context: UploadContext, record: UploadRecord): Promise<UploadRecord> {
  const { objectStore, catalog } = context;
  const key = record.s3Key;
  const declared = declaredAlgorithm(record);
  const { s3UploadId, abortAtEpochMs } = await objectStore.createMultipartUpload({
    ...newObjectOf(record),
    ...(await customerKeyOf(context, record, 'create')),
    ...(declared && { checksumAlgorithm: declared }),
  });
  const saved = await catalog.saveMultipart(record.uploadId, {
    s3UploadId,
    ...(abortAtEpochMs !== undefined && { mustFinishByEpochMs: abortAtEpochMs }),
  });
  if (!saved) {
    // Another create of this upload was faster, or it was cancelled: what was just made belongs to nobody.
    await objectStore.abortMultipartUpload({ key, s3UploadId });
    return await reread(context, record);
  }
  if (isOpenAtStore(saved)) await restoreHot(context, saved, []);
  return saved;
}

async function reread(context: UploadContext, record: UploadRecord): Promise<UploadRecord> {
  return (await context.catalog.find(record.uploadId)) ?? record;
}
