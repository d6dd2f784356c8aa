import type { CancelResponse, RotateRequest, RotationStatus } from '@longhaul/protocol';
import { CoordinatorError } from './coordinator-error.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';
import { type RelayReport, relayEvents, type RelayWish } from './events/relay.ts';
import type { UploadRecord } from './ports/upload-record.ts';
import { contextOf } from './upload-context.ts';
import { cancelRecord } from './uploads/cancel-upload.ts';
import type { UploadContext } from './uploads/context.ts';
import { type ReconcileReport, reconcileUploads } from './uploads/reconcile-uploads.ts';
import { foreseeRotation, type RotationOutlook } from './uploads/rotations/foresee-rotation.ts';
import { rotateObject } from './uploads/rotations/rotate-object.ts';
import { type SweepReport, sweepUploads } from './uploads/sweep-uploads.ts';

/** Most uploads, or events, that one call looks after when nobody says otherwise. */
const DEFAULT_LIMIT = 1_000;

/** Rows that are removed in one transaction. */
const TIDY_BATCH = 500;

/**
 * Looks after every upload that is due, once: drives completions and aborts on, ends what is idle or half made, and leaves
 * nothing at the store of what has ended. Call it from cron where no process lives long; {@link startBackgroundWork} does
 * it elsewhere. Any number may run at once.
 *
 * @param wish.limit uploads looked after at most; default 1,000, `Infinity` for all
 * @throws TypeError when the limit makes no sense
 * @throws CatalogError when the catalog cannot be reached. What fails for one upload goes to `onError`, and is due again
 * @example setInterval(() => sweep(options).catch(console.error), 30_000);
 */
export async function sweep(
  options: CoordinatorOptions,
  wish: { readonly limit?: number } = {},
): Promise<SweepReport> {
  return await sweepUploads(contextOf(options), { limit: readLimit(wish.limit) });
}

/**
 * Tells the sinks of every event that is due, once. Call it from cron where no process lives long. Without sinks
 * nothing happens: events wait for the first one.
 *
 * @param wish.limit events told at most; default 1,000, `Infinity` for all
 * @throws TypeError when the limit makes no sense
 * @throws CatalogError when the catalog cannot be reached
 * @example await relay(options);
 */
export async function relay(options: CoordinatorOptions, wish: RelayWish = {}): Promise<RelayReport> {
  const { catalog, clock, metrics, onError } = contextOf(options);
  const context = { outbox: catalog.outbox, sinks: options.sinks ?? [], clock, metrics, onError };
  return await relayEvents(context, { ...wish, limit: readLimit(wish.limit) });
}

/** @throws TypeError when it is no number of uploads or events */
function readLimit(limit: number = DEFAULT_LIMIT): number {
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 0)) return limit;
  throw new TypeError(`limit must be a whole number from 0, or Infinity for all, got ${limit}`);
}

/** What {@link tidy} has removed. */
export interface TidyReport {
  readonly removedEvents: number;
  readonly removedUploads: number;
}

/**
 * Removes events that were sent, and rows of uploads that ended without an object, more than `retainDays` ago.
 *
 * @throws CatalogError when the catalog cannot be reached
 * @example await tidy(options);
 */
export async function tidy(options: CoordinatorOptions): Promise<TidyReport> {
  const { catalog, settings } = contextOf(options);
  const removedEvents = await inBatches((limit) => catalog.outbox.removeSent(settings.retainMs, limit));
  const removedUploads = await inBatches((limit) => catalog.removeEnded(settings.retainMs, limit));
  return { removedEvents, removedUploads };
}

/** A month of them in one transaction would hold up every upload meanwhile. */
async function inBatches(remove: (limit: number) => Promise<number>): Promise<number> {
  let total = 0;
  for (let removed = TIDY_BATCH; removed === TIDY_BATCH; total += removed) removed = await remove(TIDY_BATCH);
  return total;
}

/**
 * Compares the multipart uploads that the store lists with the catalog. Reports, and with `abort` ends those that are
 * provably nobody's, which needs a key template with `{installationId}` in its fixed part.
 *
 * @throws CoordinatorError `bad-request` when it shall abort and others may write under the prefix
 * @throws ObjectStoreError, CatalogError when they cannot be reached
 * @example const { uploads } = await reconcile(options);
 */
export async function reconcile(
  options: CoordinatorOptions,
  wish: { readonly abort?: boolean } = {},
): Promise<ReconcileReport> {
  return await reconcileUploads(contextOf(options), wish.abort ?? false);
}

/**
 * Cancels an upload whoever's it is, as its own client could.
 *
 * @throws CoordinatorError `upload-not-found`; `upload-completing` when it is being completed: the wish is kept
 * @throws ObjectStoreError, CatalogError when they cannot be reached: repeat the call
 * @example await cancelUploadAsOperator(options, uploadId);
 */
export async function cancelUploadAsOperator(
  options: CoordinatorOptions,
  uploadId: string,
): Promise<CancelResponse> {
  const context = contextOf(options);
  return await cancelRecord(context, await findAnybodys(context, uploadId));
}

/**
 * Gives the object of an upload another encryption whoever's it is, as its owner could by `POST /v1/objects/:nodeId/rotate`:
 * answers after a while even if the store is still at work. Repeat the call, with the same request, until it has ended.
 *
 * @throws CoordinatorError `upload-not-found` and what that call is refused with
 * @throws ObjectStoreError, CatalogError when they cannot be reached: repeat the call
 * @example await rotateAsOperator(options, uploadId, { rotationId: randomUUID(), encryption: { mode: 'sse-kms' } });
 */
export async function rotateAsOperator(
  options: CoordinatorOptions,
  uploadId: string,
  request: RotateRequest,
): Promise<RotationStatus> {
  const context = contextOf(options);
  const { owner } = await findAnybodys(context, uploadId);
  return await rotateObject(context, owner, uploadId, request);
}

/** What {@link rotateAsOperator} would do, or refuse. Changes nothing. */
export async function foreseeRotationAsOperator(
  options: CoordinatorOptions,
  uploadId: string,
  request: RotateRequest,
): Promise<RotationOutlook> {
  const context = contextOf(options);
  return foreseeRotation(context, await findAnybodys(context, uploadId), request);
}

async function findAnybodys(
  { catalog, objectStore }: UploadContext,
  uploadId: string,
): Promise<UploadRecord> {
  const record = await catalog.find(uploadId);
  if (record?.bucket === objectStore.bucket) return record;
  throw new CoordinatorError('upload-not-found', `There is no upload ${uploadId}.`, { uploadId });
}
