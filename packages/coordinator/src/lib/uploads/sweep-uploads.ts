import { CoordinatorError } from '../coordinator-error.ts';
import type { MetricDefinition } from '../ports/metrics.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import { ABORT_REDRIVE_AFTER_MS, abortUpload } from './abort-upload.ts';
import { cancelRecord } from './cancel-upload.ts';
import { joinCompletion } from './complete-upload.ts';
import type { UploadContext } from './context.ts';
import { isOpenAtStore, listFittingParts, orWithoutState } from './hot-state.ts';
import { abortAllOf, abortStraysOf, deleteOurs } from './leave-nothing.ts';
import { proveObject } from './prove-object.ts';
import { sweepRotations } from './rotations/sweep-rotations.ts';
import { wholeOf } from './whole-record.ts';

/** What a sweep has done, in uploads; the last two in rotations. */
export interface SweepReport {
  /** Completions that were driven to an end, or back to their clients. */
  readonly redriven: number;
  /** Completions of which nobody can tell the end yet: the store is at work, or away. They are due again. */
  readonly unresolved: number;
  /** Aborts that were driven on. */
  readonly aborted: number;
  /** Idle uploads and creates that nobody finished, which are ended now. */
  readonly expired: number;
  /** Ended uploads of which the store holds nothing more. */
  readonly cleaned: number;
  /** Uploads that were due and live after all: their expiry was moved. */
  readonly extended: number;
  /** Uploads that could not be looked after now. They are due again. */
  readonly failed: number;
  /** Rotations that were driven to their end, or cleaned up after. */
  readonly rotated: number;
  /** Rotations that are not at their end: the store is at work, or away, or a key is missing. */
  readonly rotating: number;
}

/** How much a sweep does. */
export interface SweepWish {
  /** Most uploads. Default 1,000. */
  readonly limit?: number;
  /** Claims nothing more once it aborts. */
  readonly signal?: AbortSignal;
  /** A completion that takes longer goes on by itself. Default: it is waited for. */
  readonly patienceMs?: number;
}

type Deed = Exclude<keyof SweepReport, 'rotated' | 'rotating'>;

const SWEPT: MetricDefinition = {
  name: 'longhaul_swept_uploads_total',
  help: 'Uploads, and rotations of them, that a sweeper has looked after, by what it did.',
  labelNames: ['deed'],
};

const DEFAULT_LIMIT = 1_000;

/** How long other sweepers leave a claimed row alone, and when it is due again if this one dies over it. */
const LEASE_MS = 60_000;
/** Rows claimed at once: more would wait behind the others of their claim while their lease runs. */
const CLAIM_LIMIT = 50;

/**
 * Looks after every upload that is due: drives completions and aborts on, ends what is idle or half made, and leaves
 * nothing at the store of what has ended. Any number of sweepers may run at once; each step is a compare-and-set.
 *
 * A failure costs its own upload a while, and nobody else anything: it is told to `onError`.
 */
export async function sweepUploads(context: UploadContext, wish: SweepWish = {}): Promise<SweepReport> {
  const { limit = DEFAULT_LIMIT, signal } = wish;
  const report: Record<Deed, number> = {
    redriven: 0,
    unresolved: 0,
    aborted: 0,
    expired: 0,
    cleaned: 0,
    extended: 0,
    failed: 0,
  };
  const swept = context.metrics.counter(SWEPT);
  await context.catalog.writeMissingEvents(Math.min(limit, DEFAULT_LIMIT));
  for (let left = limit; left > 0 && signal?.aborted !== true;) {
    const claim = {
      bucket: context.objectStore.bucket,
      limit: Math.min(left, CLAIM_LIMIT),
      leaseMs: LEASE_MS,
    };
    const due = await context.catalog.claimDue(claim);
    const deeds = await Promise.all(due.map((record) => lookAfterSafely(context, record, wish)));
    for (const deed of deeds) {
      report[deed] += 1;
      swept.add(1, { deed });
    }
    if (due.length < CLAIM_LIMIT) break;
    left -= due.length;
  }
  const rotations = await sweepRotations(context, wish);
  for (const [deed, count] of Object.entries(rotations)) if (count > 0) swept.add(count, { deed });
  return { ...report, ...rotations };
}

async function lookAfterSafely(context: UploadContext, record: UploadRecord, wish: SweepWish): Promise<Deed> {
  try {
    return await lookAfter(context, record, wish);
  } catch (error) {
    context.onError(error);
    // Whoever has waited longest comes first: it would stand before all others for ever.
    const delayMs = putOffMs(context, record);
    await context.catalog.postpone(record.uploadId, record.state, { delayMs }).catch(context.onError);
    return 'failed';
  }
}

const SHORTEST_PUT_OFF_MS = 60_000;
const LONGEST_PUT_OFF_MS = 600_000;

/** Half as long again as it has been due. */
function putOffMs({ clock }: UploadContext, record: UploadRecord): number {
  const overdueMs = clock.nowEpochMs() - (record.nextAttemptAtEpochMs ?? record.expiresAtEpochMs);
  return Math.min(Math.max(Math.ceil(overdueMs / 2), SHORTEST_PUT_OFF_MS), LONGEST_PUT_OFF_MS);
}

async function lookAfter(context: UploadContext, record: UploadRecord, wish: SweepWish): Promise<Deed> {
  switch (record.state) {
    case 'PENDING':
      return await expire(context, record);
    case 'UPLOADING':
      if (record.cancelRequested) return await honourCancel(context, record);
      return await endIdle(context, record);
    case 'COMPLETING':
      return await driveOn(context, record, wish);
    case 'ABORTING':
      await abortUpload(context, record);
      return 'aborted';
    case 'COMPLETED':
    case 'CANCELLED':
    case 'EXPIRED':
    case 'FAILED':
      return await cleanUp(context, record);
  }
}

/** A refusal or a failure is an end as well, and is written down. */
async function driveOn(
  context: UploadContext,
  record: UploadRecord,
  { patienceMs }: SweepWish,
): Promise<Deed> {
  const completion = joinCompletion(context, wholeOf(record)).then(
    (over): Deed => (over ? 'redriven' : 'unresolved'),
    (error: unknown): Deed => {
      context.onError(error);
      return error instanceof CoordinatorError ? 'redriven' : 'failed';
    },
  );
  if (patienceMs === undefined) return await completion;
  const waited = new AbortController();
  const late = context.clock.sleep(patienceMs, waited.signal).catch(() => undefined);
  const deed = await Promise.race([completion, late.then((): Deed => 'unresolved')]);
  waited.abort();
  return deed;
}

/** Whoever reopened it has not lived to cancel it. */
async function honourCancel(context: UploadContext, record: UploadRecord): Promise<Deed> {
  await cancelRecord(context, record);
  return 'aborted';
}

/** A silent upload: what arrived since, or is complete already, is not ended. */
async function endIdle(context: UploadContext, record: UploadRecord): Promise<Deed> {
  if (record.mode !== 'multipart') {
    const proof = await proveObject(context, record);
    // It may stand there, and expiry deletes it.
    if (proof.kind === 'unknown') throw proof.error;
    if (proof.kind !== 'ours') return await expire(context, record);
    await joinCompletion(context, wholeOf(record));
    return 'redriven';
  }
  const lastActiveAtEpochMs = await lastActiveAt(context, record);
  if (lastActiveAtEpochMs + record.idleLimitMs <= context.clock.nowEpochMs())
    return await expire(context, record);
  await context.catalog.extendExpiry(record.uploadId, lastActiveAtEpochMs);
  return 'extended';
}

/** The catalog hears of activity now and then; hot state and the store's listing know better. */
async function lastActiveAt(context: UploadContext, record: UploadRecord): Promise<number> {
  const hot = await orWithoutState(context, context.state.lastActiveAtEpochMs(record.uploadId), undefined);
  const listed = isOpenAtStore(record) ? await listFittingParts(context, record) : undefined;
  const times = (listed ?? []).map((part) => part.lastModifiedEpochMs ?? 0);
  return times.reduce((newest, time) => Math.max(newest, time), hot ?? 0);
}

async function expire(context: UploadContext, { uploadId }: UploadRecord): Promise<Deed> {
  const aborting = await context.catalog.beginAbort(uploadId, {
    to: 'EXPIRED',
    redriveAfterMs: ABORT_REDRIVE_AFTER_MS,
    onlyIfDue: true,
  });
  if (!aborting) return 'extended';
  await abortUpload(context, aborting);
  return 'expired';
}

/** What came late: parts that landed after an abort, uploads of creates whose answer was lost, a failed object. */
async function cleanUp(context: UploadContext, record: UploadRecord): Promise<Deed> {
  if (record.state === 'FAILED') {
    // An attempt may still be at work at the store, and must not meet an abort.
    const waitMs =
      (record.completeSentAtEpochMs ?? 0) + context.settings.attemptOverAfterMs - context.clock.nowEpochMs();
    if (waitMs > 0) {
      await context.catalog.postpone(record.uploadId, 'FAILED', { delayMs: waitMs });
      return 'extended';
    }
    await deleteOurs(context, record);
  }
  if (record.state === 'COMPLETED') await abortStraysOf(context, record);
  else if (record.mode === 'multipart') await abortAllOf(context, record);
  await context.catalog.finishCleanup(record.uploadId);
  return 'cleaned';
}
