import { type CreateUploadResponse, type PartRange, partRange, type UploadResult } from '@longhaul/protocol';
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
import { isUploadError, UploadError } from '../upload-error.ts';
import type { UploaderSettings, UploadOptions } from './options.ts';
import { createSession, type Session } from './session.ts';
import type { UploadControl } from './upload-handle.ts';

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
  readonly session: Session;
  readonly hintKey: string | undefined;
}

/** Rounds of sending before parts that keep vanishing are nobody's bad luck any more. */
const MAX_ROUNDS = 12;

/**
 * The order of an upload, and the only place that goes back in it: identify → describe → open → send and report →
 * verify → complete. Parts that the store lacks after all send it back to sending; `cancel()` leads out of it.
 */
export async function runUpload<Source extends ByteSource>(
  shop: Workshop<Source>,
  job: UploadJob<Source>,
): Promise<UploadResult> {
  const upload = (await open(shop, job, false)) ?? (await open(shop, job, true));
  if (!upload)
    throw new UploadError('UPLOAD_ENDED', 'The upload was ended while it was being opened. Upload it again.');
  const { created, session, hintKey } = upload;
  const { uploadId, mode, plan, receivedParts, result: earlierResult } = created;
  job.control.opened({ uploadId, mode, plan, resumedParts: receivedParts.length }, receivedParts);
  try {
    const result = earlierResult ?? (await carry(shop, job, upload));
    await forgetUpload(shop.settings.resumeStore, hintKey);
    return result;
  } catch (error) {
    const hasChanged = isUploadError(error) && error.code === 'FILE_CHANGED';
    if (job.control.abortSignal.aborted || !(hasChanged || job.control.isCancelling())) throw error;
    // Cancelled; or changed, and then parts of the old content must not wait to be mixed with the new.
    const result = await cancel(shop, job, session);
    await forgetUpload(shop.settings.resumeStore, hintKey);
    if (hasChanged) throw error;
    if (!result) throw new UploadError('CANCELLED', 'The upload was cancelled.', { uploadId });
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
  const { abortSignal } = control;
  const { clock, checksum } = platform;
  const { hintKey, ...identity } = await identifyUpload({
    source,
    coordinatorAddress: coordinator.address,
    connectorId: asked.connectorId,
    resume,
    forgetHint,
    claim,
    resumeStore: settings.resumeStore,
    clock,
  });
  const described = await describeUpload({ ...settings, source, identity, asked, checksum });
  const create = (request: typeof described): Promise<CreateUploadResponse> =>
    coordinator.create(request, abortSignal);
  const opening = await openUpload(create, described, clock, abortSignal);
  if (!opening) return undefined;
  const session = createSession(coordinator, opening.created, () => create(opening.request));
  return { ...opening, session, hintKey };
}

/** Sends what is missing and completes, again while the coordinator names parts that got lost. */
async function carry<Source extends ByteSource>(
  shop: Workshop<Source>,
  job: UploadJob<Source>,
  upload: OpenUpload,
): Promise<UploadResult> {
  const { control, source } = job;
  const { created, session } = upload;
  let parts = missingParts(created);
  for (let round = 1; ; round++) {
    control.stopSignal.throwIfAborted();
    await transfer(shop, job, upload, parts);
    await source.verify();
    control.dispatch({ type: 'all-sent' });
    const ask = (): ReturnType<Session['complete']> => session.complete(control.stopSignal);
    const completion = await completeUpload(ask, shop.platform.clock, control.stopSignal);
    if (completion.kind === 'completed') return completion.result;
    if (round === MAX_ROUNDS) throw completion.error;
    parts =
      completion.kind === 'missing'
        ? completion.partNumbers.map((partNumber) => partRange(created.plan, partNumber))
        : missingParts(await session.reopen());
    parts.forEach(control.partLost);
    control.dispatch({ type: 'parts-missing' });
  }
}

/** Sends parts and reports them. Finding the upload completed meanwhile, by whomever, is as good as having sent them. */
async function transfer<Source extends ByteSource>(
  shop: Workshop<Source>,
  job: UploadJob<Source>,
  upload: OpenUpload,
  parts: readonly PartRange[],
): Promise<void> {
  const { session } = upload;
  const { stopSignal } = job.control;
  try {
    await sendAndReport(shop, job, upload, parts);
  } catch (error) {
    if (!maybeOver(error)) throw error;
    const { state } = await session.status(stopSignal);
    if (state !== 'COMPLETED' && state !== 'COMPLETING') throw error;
  }
}

async function sendAndReport<Source extends ByteSource>(
  { settings, platform, sender, pool }: Workshop<Source>,
  { source, control }: UploadJob<Source>,
  { created, askedMs, session }: OpenUpload,
  parts: readonly PartRange[],
): Promise<void> {
  const { clock } = platform;
  const { stopSignal } = control;
  const exchange = createExchange({
    parts,
    firstGrants: created.grants,
    firstAskedMs: askedMs,
    aheadCount: 2 * settings.concurrency,
    call: (request) => session.exchangeParts(request, stopSignal),
    clock,
    signal: stopSignal,
  });
  const { grantFor, dropGrant } = exchange;
  const { retry, stallTimeoutMs } = settings;
  const input = {
    source,
    sender,
    ports: platform,
    retry,
    stallTimeoutMs,
    grantFor,
    dropGrant,
    onProgress: control.partMoved,
  };
  await sendParts({
    parts,
    pool,
    signal: stopSignal,
    async send(part, signal) {
      const receipt = await sendPart(input, part, signal);
      control.partStored(part);
      // The proof of a single PUT is the object itself: there is no part to report.
      if (created.mode === 'multipart') exchange.report(receipt);
    },
  });
  await exchange.flush();
}

/** Ends the upload at the coordinator. The result, if it was too late for that. */
async function cancel<Source extends ByteSource>(
  { platform: { clock } }: Workshop<Source>,
  { control: { abortSignal } }: UploadJob<Source>,
  session: Session,
): Promise<UploadResult | undefined> {
  for (;;) {
    const cancellation = await cancelUpload(() => session.cancel(abortSignal), clock, abortSignal);
    if (cancellation.kind === 'cancelled') return undefined;
    if (cancellation.kind === 'completed') return cancellation.result;
    const completion = await completeUpload(() => session.complete(abortSignal), clock, abortSignal).catch(
      endedAsNothing,
    );
    if (!completion) return undefined;
    if (completion.kind === 'completed') return completion.result;
  }
}

/** The coordinator remembered the wish and has ended the upload itself. */
function endedAsNothing(error: unknown): undefined {
  if (isUploadError(error) && error.code === 'UPLOAD_ENDED') return undefined;
  throw error;
}

/** Refusals that an upload completed by another run, or another tab, gives as well. */
function maybeOver(error: unknown): boolean {
  if (!isUploadError(error)) return false;
  const code = error.problem?.code;
  return error.s3Code === 'NoSuchUpload' || code === 'upload-completed' || code === 'upload-completing';
}

/** Parts of the plan that the store does not have, or has in another size. */
function missingParts({ plan, receivedParts }: CreateUploadResponse): PartRange[] {
  const receivedBytes = new Map(receivedParts.map((part) => [part.partNumber, part.sizeBytes]));
  const all = Array.from({ length: plan.partCount }, (_, index) => partRange(plan, index + 1));
  return all.filter((part) => receivedBytes.get(part.partNumber) !== part.sizeBytes);
}
