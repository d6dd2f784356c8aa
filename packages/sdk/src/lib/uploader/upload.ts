import {
  type CreateUploadResponse,
  MIN_PART_SIZE_BYTES,
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
import type { Digests } from '../stages/digest-parts.ts';
import { type Content, forgetUpload, identifyUpload, recogniseContent } from '../stages/identify-upload.ts';
import { openUpload, type Opening } from '../stages/open-upload.ts';
import type { Line } from '../schedule/line.ts';
import { reasonOf, wishPlan } from '../schedule/wish-plan.ts';
import { codeOf, isUploadError, UploadError } from '../upload-error.ts';
import type { UploaderSettings, UploadOptions } from './options.ts';
import type * as sending from './sending.ts';
import { createSession, type Session } from './session.ts';
import type { UploadControl } from './upload-handle.ts';
import type { OpenedUpload } from './upload-state.ts';

/** What all uploads of an uploader share, ready for use. */
export interface Workshop<Source extends ByteSource>
  extends
    Omit<UploaderSettings, 'coordinator'>,
    Pick<Platform<never, Source>, 'clock' | 'connectivity' | 'digester'> {
  readonly coordinator: Coordinator;
  readonly sender: PartSender<Source>;
  /** Loads what sends, and the line that all uploads share. */
  readonly loadSending: () => Promise<Sending>;
  /** What the line has carried when last it was busy, if that is known. */
  readonly bytesPerSecond: () => number | undefined;
  readonly shareUpload?: ShareUpload | undefined;
}

/** What is needed once there is something to send. */
export type Sending = Omit<typeof sending, 'createLine'> & { readonly line: Line };

/**
 * Does the work of an upload that may be under way in other places too: there or here, but in one place at a time.
 *
 * @param key the same for uploads that are to become one object
 * @param lead does the work here
 */
export type ShareUpload = (
  key: string,
  control: UploadControl,
  lead: () => Promise<UploadResult>,
) => Promise<UploadResult>;

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
}

interface DigestedUpload extends OpenUpload {
  /** Of an upload whose parts are digested. */
  readonly digests: Digests | undefined;
}

/** Rounds of sending before parts that keep vanishing are nobody's bad luck any more. */
const MAX_ROUNDS = 5;

/** How long a stream that failed may take to be forgotten by the coordinator, which ends it by itself after days. */
const LET_GO_WITHIN_MS = 10_000;

/**
 * The order of an upload, and the only place that goes back in it: identify → describe → open → send and report →
 * verify → complete, with digests made ahead of the sending. Parts that the store lacks after all send it back to
 * sending, an upload that has expired to the very beginning, once; `cancel()` leads out of it.
 */
export async function runUpload<Source extends ByteSource>(job: UploadJob<Source>): Promise<UploadResult> {
  // Under way while the source is looked at and the coordinator asked; who needs it waits for it, and is told if it fails.
  if (!(job.source.sizeBytes <= job.inlineMaxBytes)) job.loadSending().catch(() => {});
  const content = await recogniseContent(job);
  const lead = async (): Promise<UploadResult> =>
    await runOnce(job, content, false).catch(async (error: unknown) => {
      if (job.source.once || job.stopSignal.aborted || !hasExpired(error)) throw error;
      job.dispatch({ kind: 'opening', restartReason: error });
      return await runOnce(job, content, true);
    });
  const { shareUpload, source, options } = job;
  // What cannot be parts is sent sooner than others could be asked about it.
  if (!shareUpload || !content.hintKey || source.sizeBytes <= MIN_PART_SIZE_BYTES) return await lead();
  const key = `${content.hintKey} ${JSON.stringify({ ...options, signal: undefined })}`;
  return await shareUpload(key, job, lead);
}

async function runOnce<Source extends ByteSource>(
  job: UploadJob<Source>,
  content: Content,
  isRestart: boolean,
): Promise<UploadResult> {
  const upload = (await open(job, content, isRestart)) ?? (await open(job, content, true));
  if (!upload) throw new UploadError('UPLOAD_ENDED', 'The upload was ended elsewhere.');
  const { created, opened } = upload;
  job.dispatch({ kind: 'sending', upload: opened });
  job.begin(opened.plan.sizeBytes, created.result ? partsOf(created) : created.receivedParts);
  try {
    const result = created.result ?? (await digestAndCarry(job, upload));
    await forgetUpload(job, content);
    return result;
  } catch (error) {
    const result = await endAfter(job, { ...upload, content }, error);
    if (!result) throw error;
    return result;
  }
}

/** Ends what nobody can or wants to go on with after the error. The result, if it is complete all the same. */
async function endAfter<Source extends ByteSource>(
  job: UploadJob<Source>,
  { session, content }: OpenUpload & { readonly content: Content },
  error: unknown,
): Promise<UploadResult | undefined> {
  const { abortSignal, stopSignal, source } = job;
  const letGo = async (signal: AbortSignal): Promise<UploadResult | undefined> => {
    const complete = (): Promise<Completion> => completeUpload(job, session.complete, signal);
    const result = await cancelUpload(() => session.cancel(signal), complete);
    await forgetUpload(job, content);
    return result;
  };
  if (!abortSignal.aborted) {
    // Parts of the old content must not wait to be mixed with the new. Who cannot be told does not change what happened.
    if (codeOf(error) === 'FILE_CHANGED') return void (await letGo(abortSignal).catch(() => undefined));
    if (stopSignal.aborted) return await letGo(abortSignal);
  }
  // What is left of a stream is of no use: nobody can go on with it. Nor is it worth more than the error itself.
  return source.once && (await letGo(AbortSignal.timeout(LET_GO_WITHIN_MS)).catch(() => undefined));
}

/** Opens the upload that this source belongs to. `undefined`: the one remembered is over. */
async function open<Source extends ByteSource>(
  job: UploadJob<Source>,
  content: Content,
  forgetHint: boolean,
): Promise<OpenUpload | undefined> {
  const identity = await identifyUpload(job, content, forgetHint);
  const { digester, source } = job;
  const wished = wishPlan({
    ...job,
    sizeBytes: source.sizeBytes,
    bytesPerSecond: job.bytesPerSecond(),
    isHeld: source.once !== undefined,
  });
  const wish = { ...job, wished, digester: job.integrity ? digester : undefined };
  const opening = await openUpload(job, await describeUpload(wish, identity));
  if (!opening) return undefined;
  const { created, request } = opening;
  const { uploadId, mode, receivedParts } = created;
  const plan = { ...created.plan, reason: reasonOf(wished, created.plan, created.resumed) };
  const opened = { uploadId, mode, plan, resumedParts: receivedParts.length };
  return { ...opening, opened, session: createSession(job, created, request) };
}

async function digestAndCarry<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: OpenUpload,
): Promise<UploadResult> {
  const { digester, source } = job;
  const { created, request } = upload;
  const { checksumAlgorithm: algorithm } = created;
  // What can be read once is not there before it is its turn.
  const ahead = { parts: source.once ? [] : partsOf(created), ahead: 2 * job.concurrency };
  const digests =
    digester &&
    algorithm &&
    (await job.loadSending()).createDigests({ ...job, ...request, ...ahead, digester, algorithm });
  try {
    return await carry(job, { ...upload, digests });
  } finally {
    digests?.stop();
  }
}

/** Sends what is missing and completes, again while the coordinator lacks parts that got lost. */
async function carry<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: DigestedUpload,
): Promise<UploadResult> {
  const { stopSignal, gate, dispatch, source } = job;
  const { session, opened, digests } = upload;
  const { once } = source;
  let work = workLeft(upload.created);
  for (let round = 1; ; round++) {
    const sent = sendAndReport(job, upload, work);
    await (once ? sent : sent.catch(leaveToCompletion));
    await source.verify();
    const sizeBytes = once && source.sizeBytes;
    if (sizeBytes !== undefined) job.begin(sizeBytes, []);
    const whole = { checksum: digests?.whole(), sizeBytes };
    const completion = await gate.run(stopSignal, async (signal) => {
      dispatch({ kind: 'completing', upload: opened });
      return await completeUpload(job, (asked) => session.complete(asked, whole), signal);
    });
    if (completion.result) return completion.result;
    // What was read once cannot be sent again.
    if (round === MAX_ROUNDS || once) throw completion.refusal;
    const reopened = await session.reopen();
    work = reopened ? workLeft(reopened, completion.refusal) : { missing: [], doubtful: new Map() };
    for (const part of work.missing) job.partMoved(part, 0);
    dispatch({ kind: 'sending', upload: opened });
  }
}

async function sendAndReport<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: DigestedUpload,
  { missing, doubtful }: WorkLeft,
): Promise<void> {
  const { digests, opened } = upload;
  const { once } = job.source;
  const { line, createExchange, sendPart, sendParts } = await job.loadSending();
  const exchange = createExchange({ ...job, ...upload, parts: missing });
  const input = { ...job, ...exchange, line, isSame: digests?.isSame };
  const parts = once
    ? { begin: (signal: AbortSignal) => once.parts(opened.plan, signal) }
    : [...missing, ...doubtful.keys()];
  await sendParts(input, parts, async (part, signal) => {
    const checksum = await digests?.of(part);
    if (checksum && doubtful.get(part) === checksum.value) return;
    const sent = await sendPart(input, part, signal).catch((error: unknown) => {
      // In a pause it is drawn as what it is: not sent.
      if (signal.aborted) job.partMoved(part, 0);
      throw error;
    });
    const receipt = { ...sent, ...(checksum && { checksum }) };
    once?.release(part);
    job.partMoved(part, part.sizeBytes, true);
    // The proof of a single PUT is the object itself: there is no part to report.
    if (opened.mode !== 'multipart') return;
    exchange.report(receipt);
    if (!receipt.etag) job.onNotice(ETAG_HIDDEN);
  });
  await exchange.flush();
}

/** The coordinator has let go of the upload by itself: nobody wanted its end, so it may begin again. */
function hasExpired(error: unknown): boolean {
  return isUploadError(error) && /^upload-(expired|not-found)$/.test(error.problem?.code ?? '');
}

/**
 * Refusals that an upload gives as well once another run, or another tab, has completed it. Asking for completion tells
 * the truth: the result, or what is missing.
 */
function leaveToCompletion(error: unknown): void {
  if (!/^(NoSuchUpload|upload-complet)/.test(codeOf(error))) throw error;
}

/** What is to be done for an upload before it can be completed. */
interface WorkLeft {
  /**
   * Parts of the plan that the store does not have, or has in another size; and those that a refusal of completion has
   * named: what the store has of them is not what was sent.
   */
  readonly missing: readonly PartRange[];
  /**
   * Parts that the store has, and their digests as it tells them: sent only if the digest here is another. They come last,
   * so that sending begins at once.
   */
  readonly doubtful: ReadonlyMap<PartRange, string | undefined>;
}

function workLeft(created: CreateUploadResponse, refusal?: unknown): WorkLeft {
  const { receivedParts, checksumAlgorithm } = created;
  const named = (refusal as UploadError | undefined)?.problem?.missingParts;
  const received = new Map(receivedParts.map((part) => [part.partNumber, part]));
  const missing: PartRange[] = [];
  const doubtful = new Map<PartRange, string | undefined>();
  for (const part of partsOf(created)) {
    const { sizeBytes, checksum } = received.get(part.partNumber) ?? {};
    if (named?.includes(part.partNumber) || sizeBytes !== part.sizeBytes) missing.push(part);
    else if (checksumAlgorithm) doubtful.set(part, checksum?.value);
  }
  return { missing, doubtful };
}

function partsOf({ plan }: CreateUploadResponse): PartRange[] {
  return plan.sizeBytes === null ? [] : partRanges(plan);
}
