import {
  type CompleteResponse,
  type CreateUploadResponse,
  type PartRange,
  partRanges,
  type UploadResult,
} from '@longhaul/protocol';
import { ETAG_HIDDEN } from '../notice.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import type { PartSender } from '../ports/part-sender.ts';
import type { Platform } from '../ports/platform.ts';
import { cancelUpload } from '../stages/cancel-upload.ts';
import { completeUpload, type Completion } from '../stages/complete-upload.ts';
import { describeUpload } from '../stages/describe-upload.ts';
import { createExchange } from '../stages/exchange.ts';
import { forgetUpload, identifyUpload } from '../stages/identify-upload.ts';
import { openUpload, type Opening } from '../stages/open-upload.ts';
import { sendPart } from '../stages/send-part.ts';
import { type PartQueue, sendParts } from '../stages/send-parts.ts';
import type { Line } from '../schedule/line.ts';
import { codeOf, UploadError } from '../upload-error.ts';
import type { UploaderSettings, UploadOptions } from './options.ts';
import { createSession, type Session } from './session.ts';
import type { UploadControl } from './upload-handle.ts';
import type { OpenedUpload } from './upload-state.ts';

/** What all uploads of an uploader share, ready for use. */
export interface Workshop<Source extends ByteSource>
  extends
    Omit<UploaderSettings, 'coordinator'>,
    Pick<Platform<never, Source>, 'clock' | 'connectivity' | 'checksum'> {
  readonly coordinator: Coordinator;
  readonly sender: PartSender<Source>;
  readonly line: Line;
}

/** One upload: a source that is open, and what was asked of it. Each stage takes what it needs of this. */
export interface UploadJob<Source extends ByteSource> extends Workshop<Source>, UploadControl {
  readonly source: Source;
  readonly options: UploadOptions;
  /** Whether this upload may stand under the key: `false` while another one of this uploader does. */
  readonly claim: (hintKey: string) => boolean;
}

interface OpenUpload extends Opening {
  readonly opened: OpenedUpload;
  readonly session: Session;
  readonly hintKey?: string | undefined;
}

/** Rounds of sending before parts that keep vanishing are nobody's bad luck any more. */
const MAX_ROUNDS = 5;

/** How long a stream that failed may take to be forgotten by the coordinator, which ends it by itself after days. */
const LET_GO_WITHIN_MS = 10_000;

/**
 * The order of an upload, and the only place that goes back in it: identify → describe → open → send and report →
 * verify → complete. Parts that the store lacks after all send it back to sending; `cancel()` leads out of it.
 */
export async function runUpload<Source extends ByteSource>(job: UploadJob<Source>): Promise<UploadResult> {
  const upload = (await open(job, false)) ?? (await open(job, true));
  if (!upload) throw new UploadError('UPLOAD_ENDED', 'The upload was ended elsewhere.');
  const { created, opened } = upload;
  job.dispatch({ kind: 'sending', upload: opened });
  job.begin(opened.plan.sizeBytes, created.result ? partsOf(created) : created.receivedParts);
  try {
    const result = created.result ?? (await carry(job, upload));
    await forgetUpload(job, upload.hintKey);
    return result;
  } catch (error) {
    const result = await endAfter(job, upload, error);
    if (!result) throw error;
    return result;
  }
}

/** Ends what nobody can or wants to go on with after the error. The result, if it is complete all the same. */
async function endAfter<Source extends ByteSource>(
  job: UploadJob<Source>,
  { session, hintKey }: OpenUpload,
  error: unknown,
): Promise<UploadResult | undefined> {
  const { abortSignal, stopSignal, source } = job;
  const letGo = async (signal: AbortSignal): Promise<UploadResult | undefined> => {
    const complete = (): Promise<Completion> => completeUpload(job, session.complete, signal);
    const result = await cancelUpload(() => session.cancel(signal), complete);
    await forgetUpload(job, hintKey);
    return result;
  };
  if (!abortSignal.aborted) {
    // Parts of the old content must not wait to be mixed with the new.
    if (codeOf(error) === 'FILE_CHANGED') return void (await letGo(abortSignal));
    if (stopSignal.aborted) return await letGo(abortSignal);
  }
  // What is left of a stream is of no use: nobody can go on with it. Nor is it worth more than the error itself.
  return source.once && (await letGo(AbortSignal.timeout(LET_GO_WITHIN_MS)).catch(() => undefined));
}

/** Opens the upload that this source belongs to. `undefined`: the one remembered is over. */
async function open<Source extends ByteSource>(
  job: UploadJob<Source>,
  forgetHint: boolean,
): Promise<OpenUpload | undefined> {
  const { hintKey, ...identity } = await identifyUpload(job, forgetHint);
  const opening = await openUpload(job, await describeUpload(job, identity));
  if (!opening) return undefined;
  const { created, request } = opening;
  const { uploadId, mode, plan, receivedParts } = created;
  const opened = { uploadId, mode, plan, resumedParts: receivedParts.length };
  return { ...opening, opened, hintKey, session: createSession(job, created, request) };
}

/** Sends what is missing and completes, again while the coordinator lacks parts that got lost. */
async function carry<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: OpenUpload,
): Promise<UploadResult> {
  const { stopSignal, dispatch, source } = job;
  const { session, opened } = upload;
  const { once } = source;
  let parts = once
    ? { begin: (signal: AbortSignal) => once.parts(opened.plan, signal) }
    : missingParts(upload.created);
  for (let round = 1; ; round++) {
    stopSignal.throwIfAborted();
    const sent = sendAndReport(job, upload, parts);
    await (once ? sent : sent.catch(leaveToCompletion));
    await source.verify();
    const { sizeBytes } = source;
    if (once) job.begin(sizeBytes, []);
    dispatch({ kind: 'completing', upload: opened });
    const ask = (signal: AbortSignal): Promise<CompleteResponse> => session.complete(signal, { sizeBytes });
    const completion = await completeUpload(job, once ? ask : session.complete, stopSignal);
    if (completion.result) return completion.result;
    // What was read once cannot be sent again.
    if (round === MAX_ROUNDS || once) throw completion.refusal;
    const reopened = await session.reopen();
    parts = reopened ? missingParts(reopened, completion.refusal) : [];
    for (const part of parts) job.partMoved(part, 0);
    dispatch({ kind: 'sending', upload: opened });
  }
}

async function sendAndReport<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: OpenUpload,
  parts: readonly PartRange[] | PartQueue,
): Promise<void> {
  const exchange = createExchange({ ...job, ...upload, parts: 'values' in parts ? parts : [] });
  const input = { ...job, ...exchange };
  await sendParts(job, parts, async (part, signal) => {
    const receipt = await sendPart(input, part, signal);
    job.source.once?.release(part);
    job.partMoved(part, part.sizeBytes, true);
    // The proof of a single PUT is the object itself: there is no part to report.
    if (upload.opened.mode !== 'multipart') return;
    exchange.report(receipt);
    if (!receipt.etag) job.onNotice(ETAG_HIDDEN);
  });
  await exchange.flush();
}

/**
 * Refusals that an upload gives as well once another run, or another tab, has completed it. Asking for completion tells
 * the truth: the result, or what is missing.
 */
function leaveToCompletion(error: unknown): void {
  if (!/^(NoSuchUpload|upload-complet)/.test(codeOf(error))) throw error;
}

/**
 * Parts of the plan that the store does not have, or has in another size; and those that a refusal of completion has
 * named: what the store has of them is not what was sent.
 */
function missingParts(created: CreateUploadResponse, refusal?: unknown): PartRange[] {
  const { receivedParts } = created;
  const named = (refusal as UploadError | undefined)?.problem?.missingParts;
  const receivedBytes = new Map(receivedParts.map((part) => [part.partNumber, part.sizeBytes]));
  return partsOf(created).filter(
    ({ partNumber, sizeBytes }) => named?.includes(partNumber) || receivedBytes.get(partNumber) !== sizeBytes,
  );
}

function partsOf({ plan }: CreateUploadResponse): PartRange[] {
  return plan.sizeBytes === null ? [] : partRanges(plan);
}
