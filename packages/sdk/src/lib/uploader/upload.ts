import {
  type CreateUploadResponse,
  type PartPlan,
  type PartRange,
  partRange,
  type UploadResult,
} from '@longhaul/protocol';
import type { LimitFunction } from 'p-limit';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import type { PartSender } from '../ports/part-sender.ts';
import type { Platform } from '../ports/platform.ts';
import { cancelUpload } from '../stages/cancel-upload.ts';
import { completeUpload } from '../stages/complete-upload.ts';
import { describeUpload } from '../stages/describe-upload.ts';
import { createExchange } from '../stages/exchange.ts';
import { forgetUpload, identifyUpload } from '../stages/identify-upload.ts';
import { openUpload, type Opening } from '../stages/open-upload.ts';
import { sendPart } from '../stages/send-part.ts';
import { sendParts } from '../stages/send-parts.ts';
import { hasCode, isUploadError, UploadError } from '../upload-error.ts';
import type { UploaderSettings, UploadOptions } from './options.ts';
import { createSession, type Session } from './session.ts';
import type { UploadControl } from './upload-handle.ts';
import type { OpenedUpload } from './upload-state.ts';

/** What all uploads of an uploader share, ready for use. */
export interface Workshop<Source extends ByteSource> {
  readonly settings: UploaderSettings;
  readonly platform: Pick<Platform<never, Source>, 'clock' | 'connectivity' | 'checksum'>;
  readonly coordinator: Coordinator;
  readonly sender: PartSender<Source>;
  readonly pool: LimitFunction;
}

/** One upload: a source that is open, and what was asked of it. */
export interface UploadJob<Source extends ByteSource> {
  readonly source: Source;
  readonly options: UploadOptions;
  readonly control: UploadControl;
  /** Whether this upload may stand under the key: `false` while another one of this uploader does. */
  readonly claim: (hintKey: string) => boolean;
}

interface OpenUpload extends Opening {
  readonly opened: OpenedUpload;
  readonly session: Session;
  readonly hintKey: string | undefined;
}

/** Rounds of sending before parts that keep vanishing are nobody's bad luck any more. */
const MAX_ROUNDS = 5;

/**
 * The order of an upload, and the only place that goes back in it: identify → describe → open → send and report →
 * verify → complete. Parts that the store lacks after all send it back to sending; `cancel()` leads out of it.
 */
export async function runUpload<Source extends ByteSource>(
  shop: Workshop<Source>,
  job: UploadJob<Source>,
): Promise<UploadResult> {
  const { abortSignal, stopSignal } = job.control;
  const upload = (await open(shop, job, false)) ?? (await open(shop, job, true));
  if (!upload)
    throw new UploadError('UPLOAD_ENDED', 'The upload was ended while it was being opened. Upload again.');
  const { created, session, opened, hintKey } = upload;
  job.control.dispatch({ kind: 'sending', upload: opened });
  job.control.tracker.begin(
    opened.plan.sizeBytes,
    created.result ? partsOf(opened.plan) : created.receivedParts,
  );
  try {
    const result = created.result ?? (await carry(shop, job, upload));
    await forgetUpload(shop.settings.resumeStore, hintKey);
    return result;
  } catch (error) {
    const hasChanged = hasCode(error, 'FILE_CHANGED');
    if (abortSignal.aborted || !(hasChanged || stopSignal.aborted)) throw error;
    // Cancelled; or changed, and then parts of the old content must not wait to be mixed with the new.
    const result = await cancel(shop, session, abortSignal);
    await forgetUpload(shop.settings.resumeStore, hintKey);
    if (hasChanged || !result) throw error;
    return result;
  }
}

/** Opens the upload that this source belongs to. `undefined`: the one remembered is over. */
async function open<Source extends ByteSource>(
  { settings, platform, coordinator }: Workshop<Source>,
  { source, options, control, claim }: UploadJob<Source>,
  forgetHint: boolean,
): Promise<OpenUpload | undefined> {
  const { resume = true, signal: _ownSignal, ...asked } = options;
  const { clock, checksum } = platform;
  const { abortSignal } = control;
  const { hintKey, ...identity } = await identifyUpload({
    source,
    namespace: [coordinator.address, asked.connectorId],
    resume,
    forgetHint,
    claim,
    resumeStore: settings.resumeStore,
    clock,
  });
  const described = await describeUpload({ ...settings, source, identity, asked, checksum });
  const create = (json: typeof described): Promise<CreateUploadResponse> =>
    coordinator.call({ method: 'post', path: '', json }, abortSignal);
  const opening = await openUpload(create, described, clock, abortSignal);
  if (!opening) return undefined;
  const { uploadId, mode, plan, receivedParts } = opening.created;
  return {
    ...opening,
    hintKey,
    opened: { uploadId, mode, plan, resumedParts: receivedParts.length },
    session: createSession(coordinator, opening.created, () => create(opening.request)),
  };
}

/** Sends what is missing and completes, again while the coordinator names parts that got lost. */
async function carry<Source extends ByteSource>(
  shop: Workshop<Source>,
  job: UploadJob<Source>,
  upload: OpenUpload,
): Promise<UploadResult> {
  const { dispatch, stopSignal, tracker } = job.control;
  const { created, session, opened } = upload;
  let parts = missingParts(created);
  for (let round = 1; ; round++) {
    stopSignal.throwIfAborted();
    await sendAndReport(shop, job, upload, parts).catch(leaveToCompletion);
    await job.source.verify();
    dispatch({ kind: 'completing', upload: opened });
    const completion = await completeUpload(
      () => session.complete(stopSignal),
      shop.platform.clock,
      stopSignal,
    );
    if (completion.kind === 'completed') return completion.result;
    if (round === MAX_ROUNDS) throw completion.error;
    parts =
      completion.kind === 'missing'
        ? completion.partNumbers.map((partNumber) => partRange(opened.plan, partNumber))
        : missingParts(await session.reopen());
    for (const part of parts) tracker.partMoved(part, 0);
    dispatch({ kind: 'sending', upload: opened });
  }
}

async function sendAndReport<Source extends ByteSource>(
  { settings, platform, sender, pool }: Workshop<Source>,
  { source, control: { stopSignal: signal, tracker } }: UploadJob<Source>,
  { created, askedMs, session }: OpenUpload,
  parts: readonly PartRange[],
): Promise<void> {
  const exchange = createExchange({
    parts,
    firstGrants: created.grants,
    firstAskedMs: askedMs,
    aheadCount: 2 * settings.concurrency,
    call: (request) => session.exchangeParts(request, signal),
    clock: platform.clock,
    signal,
  });
  const toSend = { ...settings, ...exchange, source, sender, ports: platform, onProgress: tracker.partMoved };
  await sendParts({
    parts,
    pool,
    signal,
    async send(part, partSignal) {
      const receipt = await sendPart(toSend, part, partSignal);
      tracker.partMoved(part, part.sizeBytes, true);
      // The proof of a single PUT is the object itself: there is no part to report.
      if (created.mode === 'multipart') exchange.report(receipt);
    },
  });
  await exchange.flush();
}

/** Ends the upload at the coordinator. The result, if it was too late for that. */
async function cancel<Source extends ByteSource>(
  { platform: { clock } }: Workshop<Source>,
  session: Session,
  signal: AbortSignal,
): Promise<UploadResult | undefined> {
  for (;;) {
    const cancellation = await cancelUpload(session.cancel(signal));
    if (cancellation !== 'completing') return cancellation?.result;
    const completion = await completeUpload(() => session.complete(signal), clock, signal).catch(
      endedAsNothing,
    );
    if (!completion) return undefined;
    if (completion.kind === 'completed') return completion.result;
  }
}

/** The coordinator remembered the wish and has ended the upload itself. */
function endedAsNothing(error: unknown): undefined {
  if (!hasCode(error, 'UPLOAD_ENDED')) throw error;
}

/**
 * Refusals that an upload gives as well once another run, or another tab, has completed it. Asking for completion tells
 * the truth: the result, or what is missing.
 */
function leaveToCompletion(error: unknown): void {
  const code = isUploadError(error) ? (error.s3Code ?? error.problem?.code) : undefined;
  if (!/^(NoSuchUpload|upload-complet(ed|ing))$/.test(code ?? '')) throw error;
}

/** Parts of the plan that the store does not have, or has in another size. */
function missingParts({ plan, receivedParts }: CreateUploadResponse): PartRange[] {
  const receivedBytes = new Map(receivedParts.map((part) => [part.partNumber, part.sizeBytes]));
  return partsOf(plan).filter((part) => receivedBytes.get(part.partNumber) !== part.sizeBytes);
}

function partsOf(plan: PartPlan): PartRange[] {
  return Array.from({ length: plan.partCount }, (_, index) => partRange(plan, index + 1));
}
