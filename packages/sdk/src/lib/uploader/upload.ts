import { type CreateUploadResponse, MIN_PART_SIZE_BYTES, type UploadResult } from '@longhaul/protocol';
import type { ByteSource } from '../ports/byte-source.ts';
import { describeUpload } from '../stages/describe-upload.ts';
import type { Foresight } from './foresee.ts';
import { type Content, forgetUpload, identifyUpload, recogniseContent } from '../stages/identify-upload.ts';
import { openUpload, type Opening } from '../stages/open-upload.ts';
import { reasonOf, type WishedPlan, wishPlan } from '../schedule/wish-plan.ts';
import { codeOf, isUploadError, UploadError } from '../upload-error.ts';
import { partsOf } from './parts-of.ts';
import type { OpenedUpload } from './upload-state.ts';
import type { NewUpload } from './workshop.ts';

interface OpenUpload extends Opening {
  readonly opened: OpenedUpload;
}

interface Prepared {
  readonly wished: WishedPlan;
  readonly foreseen?: Promise<Foresight | undefined>;
}

type PreparedJob<Source extends ByteSource> = NewUpload<Source> & Prepared;

/** How long the coordinator, which ends it by itself after days, may take to be told of a stream that cannot be sent. */
const LET_GO_WITHIN_MS = 10_000;

/**
 * The order of an upload until something is to be sent, which is where {@link carryUpload} goes on: identify → describe →
 * open. One that has expired goes back to the very beginning, once; `cancel()` leads out of it.
 */
export async function runUpload<Source extends ByteSource>(upload: NewUpload<Source>): Promise<UploadResult> {
  const job = { ...upload, ...prepare(upload) };
  try {
    return await leadOrFollow(job);
  } finally {
    (await job.foreseen)?.digests?.stop();
  }
}

/** What is under way while the source is looked at and the coordinator asked. */
function prepare<Source extends ByteSource>(job: NewUpload<Source>): Prepared {
  const { source, inlineMaxBytes } = job;
  const { sizeBytes, once } = source;
  const bytesPerSecond = job.bytesPerSecond();
  const wished = wishPlan({ ...job, sizeBytes, bytesPerSecond, isHeld: once !== undefined });
  if (sizeBytes <= inlineMaxBytes) return { wished };
  job.warmUp?.(job);
  const foreseen = job
    .loadSending()
    .then(({ foresee }) => (once || wished.isWhole ? undefined : foresee(job, wished)))
    // Who needs it to send is told.
    .catch(() => undefined);
  return { wished, foreseen };
}

async function leadOrFollow<Source extends ByteSource>(job: PreparedJob<Source>): Promise<UploadResult> {
  const content = await recogniseContent(job);
  const lead = async (): Promise<UploadResult> =>
    await runOnce(job, content, false).catch(async (error: unknown) => {
      const isOther = isOfOther(error);
      if (job.source.once || job.stopSignal.aborted || !(isOther || hasExpired(error))) throw error;
      job.dispatch({ kind: 'opening', restartReason: error });
      return await runOnce(job, { ...content, isAlone: isOther }, true);
    });
  const { shareUpload, source, options } = job;
  // What cannot be parts is sent sooner than others could be asked about it.
  if (!shareUpload || !content.hintKey || source.sizeBytes <= MIN_PART_SIZE_BYTES) return await lead();
  const key = `${content.hintKey} ${JSON.stringify({ ...options, signal: undefined })}`;
  return await shareUpload(key, job, lead);
}

async function runOnce<Source extends ByteSource>(
  job: PreparedJob<Source>,
  content: Content,
  isRestart: boolean,
): Promise<UploadResult> {
  const upload = (await open(job, content, isRestart)) ?? (await open(job, content, true));
  if (!upload) throw new UploadError('UPLOAD_ENDED', 'The upload was ended elsewhere.');
  const { created, opened } = upload;
  const forget = async (): Promise<void> => await forgetUpload(job, content);
  job.dispatch({ kind: 'sending', upload: opened });
  const { result: found } = created;
  job.begin(opened.plan.sizeBytes, found ? partsOf(created) : created.receivedParts);
  // Somebody may have completed it with another content of the same samples: where its parts have digests, they tell.
  if (found && !(opened.mode === 'multipart' && created.checksumAlgorithm)) {
    await forget();
    return found;
  }
  const sending = await job.loadSending().catch(async (error: unknown) => {
    if (job.source.once) await letGoUnsent(job, created);
    throw error;
  });
  const session = sending.createSession(job, created, upload.request);
  try {
    const result = await sending.carryUpload(job, { ...upload, session, line: sending.line });
    await forget();
    return result;
  } catch (error) {
    const result = await sending.endAfter(job, { session, forget }, error);
    if (!result) throw error;
    return result;
  }
}

/** What sends is not there, and nobody can go on with what was a stream. */
async function letGoUnsent<Source extends ByteSource>(
  { coordinator }: NewUpload<Source>,
  { uploadId, token }: CreateUploadResponse,
): Promise<void> {
  const call = { method: 'delete', path: `/${uploadId}`, token } as const;
  await coordinator.call(call, AbortSignal.timeout(LET_GO_WITHIN_MS)).catch(() => {});
}

/** Opens the upload that this source belongs to. `undefined`: the one remembered is over. */
async function open<Source extends ByteSource>(
  job: PreparedJob<Source>,
  content: Content,
  forgetHint: boolean,
): Promise<OpenUpload | undefined> {
  const { remembered, ...identity } = await identifyUpload(job, content, forgetHint);
  const foresight = await job.foreseen;
  const { wished } = foresight ?? job;
  // A cancel ends it once it is open: what was remembered is then told to the coordinator, and forgotten.
  const digesting = { digester: job.integrity ? job.digester : undefined, stopSignal: job.abortSignal };
  const wish = { ...job, wished, ...digesting };
  const request = await describeUpload(wish, identity);
  await foresight?.ready();
  const opening = await openUpload(job, request, foresight?.toSign());
  await remembered;
  if (!opening) return undefined;
  const { created } = opening;
  const { uploadId, mode, receivedParts } = created;
  const plan = { ...created.plan, reason: reasonOf(wished, created.plan, created.resumed) };
  const opened = { uploadId, mode, plan, resumedParts: receivedParts.length };
  return { ...opening, opened };
}

/** Others have completed another content as the same file, or send one and replace what is sent here: this one gets an upload of its own. */
function isOfOther(error: unknown): boolean {
  return /^(parts-|upload-completed)/.test(codeOf(error));
}

/** The coordinator has let go of the upload by itself: nobody wanted its end, so it may begin again. */
function hasExpired(error: unknown): boolean {
  return isUploadError(error) && /^upload-(expired|not-found)$/.test(error.problem?.code ?? '');
}
