import type { PartsRequest, PartsResponse, Receipt } from '@longhaul/protocol';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { StoredPart } from '../ports/object-store.ts';
import type { HotUpload } from '../ports/state-store.ts';
import type { UploadContext } from './context.ts';
import { findHot, hotOf, isOpenAtStore, knownParts, orWithoutState, rebuildHot } from './hot-state.ts';
import { reserveParts } from './owner-quota.ts';
import { assertDigests, assertPlanned, signParts, signWhole } from './sign-parts.ts';
import { assertCaller, closedError, findRecord } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';

/**
 * Takes reports of stored parts and hands out URLs for others, in one call. Either list may be empty.
 *
 * @throws CoordinatorError when a part is not in the plan, or the upload takes no more parts
 */
export async function exchangeParts(
  context: UploadContext,
  caller: TokenClaims,
  request: PartsRequest,
): Promise<PartsResponse> {
  const upload = await findUpload(context, caller);
  const answer =
    'state' in upload
      ? await exchangeWhole(context, upload, request)
      : await exchangeHot(context, upload, caller, request);
  context.noteActivity(upload);
  return { ...answer, ...(context.tokens.isHalfSpent(caller) && { token: context.tokens.mint(caller) }) };
}

/**
 * The hot record of a multipart upload that takes parts; one that has not heard of a takeover yet, or that the upload takes parts
 * again, is written anew. Of any other upload its row, looked at once: a second look might find it open again, and a multipart
 * upload would be given the URL of a single PUT.
 */
async function findUpload(context: UploadContext, caller: TokenClaims): Promise<HotUpload | UploadRecord> {
  const hot = await findHot(context, caller.uploadId);
  if (hot && hot.tokenVersion >= caller.tokenVersion && hot.status !== 'COMPLETING') return hot;
  const record = await findRecord(context, caller);
  if (!isOpenAtStore(record) || record.state !== 'UPLOADING') return record;
  await rebuildHot(context, record);
  return hotOf(record);
}

async function exchangeHot(
  context: UploadContext,
  hot: HotUpload,
  caller: TokenClaims,
  request: PartsRequest,
): Promise<PartsResponse> {
  assertCaller(hot, caller);
  if (hot.status !== 'UPLOADING') throw closedError(hot.uploadId, hot.status);
  assertPlanned(hot.plan, [...request.report, ...request.sign], hot.uploadId);
  assertDigests(hot, request.sign);
  await reserveParts(context, hot, request.sign);
  const { receivedCount, newPartNumbers } = await recordReceipts(context, hot, request.report);
  const isNew = new Set(newPartNumbers);
  context.partMeter.count(
    hot,
    request.report.filter(({ etag, partNumber }) => etag === undefined || isNew.has(partNumber)),
  );
  return { receivedCount, grants: await signParts(context, hot, request.sign) };
}

/** A single PUT has one grant to renew and nothing to report: its proof is the object. */
async function exchangeWhole(
  context: UploadContext,
  record: UploadRecord,
  request: PartsRequest,
): Promise<PartsResponse> {
  if (record.state !== 'UPLOADING') throw closedError(record.uploadId, record.state);
  assertPlanned(record.plan, [...request.report, ...request.sign], record.uploadId);
  const [part] = request.sign;
  // Its digest may have come with create.
  if (part?.checksum) assertDigests(record, [part]);
  if (!part) return { receivedCount: 0, grants: [] };
  const grant = await signWhole(context, record, part.checksum);
  if (grant) return { receivedCount: 0, grants: [grant] };
  // Somebody else has moved it; without a row there is nothing left to send to.
  const current = await context.catalog.find(record.uploadId);
  throw closedError(record.uploadId, current?.state ?? 'CANCELLED');
}

async function recordReceipts(
  context: UploadContext,
  hot: HotUpload,
  receipts: readonly Receipt[],
): Promise<{ readonly receivedCount: number; readonly newPartNumbers: readonly number[] }> {
  const newPartNumbers = receipts.map(({ partNumber }) => partNumber);
  // Not written down is not lost: complete looks for it in the store's listing.
  const outcome = await orWithoutState(context, context.state.record(hot.uploadId, withEtag(receipts)), {
    kind: 'recorded',
    receivedCount: receipts.length,
    newPartNumbers,
  } as const);
  if (outcome.kind === 'recorded') return outcome;
  if (outcome.kind === 'closed') throw closedError(hot.uploadId, outcome.status);
  // Lost between the two steps: rebuild once. What is gone again by then is the state store's trouble, not the part's.
  const record = await context.catalog.find(hot.uploadId);
  if (record?.state !== 'UPLOADING') throw closedError(hot.uploadId, record?.state ?? 'CANCELLED');
  if (isOpenAtStore(record)) await rebuildHot(context, record);
  return { receivedCount: (await knownParts(context, hot.uploadId)).length, newPartNumbers };
}

/** A part without a readable ETag counts once the store's own listing shows it. */
function withEtag(receipts: readonly Receipt[]): StoredPart[] {
  return receipts.flatMap(({ partNumber, sizeBytes, etag, checksum }) =>
    etag === undefined ? [] : [{ partNumber, sizeBytes, etag, ...(checksum && { checksum }) }],
  );
}
