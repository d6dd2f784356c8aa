import type { Receipt, UploadResult } from '@longhaul/protocol';
import { ETAG_HIDDEN } from '../etag-hidden.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Line } from '../schedule/line.ts';
import { completeUpload, leaveToCompletion } from '../stages/complete-upload.ts';
import { createDigests, type Digests } from '../stages/digest-parts.ts';
import { createExchange } from '../stages/exchange.ts';
import type { Opening } from '../stages/open-upload.ts';
import { sendPart } from '../stages/send-part.ts';
import { sendParts } from '../stages/send-parts.ts';
import type { Foresight } from './foresee.ts';
import { partsOf } from './parts-of.ts';
import type { Session } from './session.ts';
import type { UploadJob } from './upload-job.ts';
import type { OpenedUpload } from './upload-state.ts';
import { wholeOf } from './whole-checksum.ts';
import { type WorkLeft, workLeft } from './work-left.ts';

/** An upload that is open, and what its parts go by. */
interface SendableUpload extends Opening {
  readonly opened: OpenedUpload;
  readonly session: Session;
  readonly line: Line;
}

interface DigestedUpload extends SendableUpload {
  /** Of an upload whose parts are digested. */
  readonly digests: Digests | undefined;
}

/** Rounds of sending before parts that keep vanishing are nobody's bad luck any more. */
const MAX_ROUNDS = 5;

/**
 * The order of an upload from where it is open: send and report → verify → complete, with digests made ahead of the
 * sending. The only place that goes back in it: parts that the store lacks after all send it back to sending.
 */
export async function carryUpload<Source extends ByteSource>(
  job: UploadJob<Source> & { readonly foreseen?: Promise<Foresight | undefined> },
  upload: SendableUpload,
): Promise<UploadResult> {
  const { digester, source } = job;
  const { created, request } = upload;
  const foresight = await job.foreseen;
  if (foresight?.fits(created)) return await sendAndComplete(job, { ...upload, digests: foresight.digests });
  const { checksumAlgorithm: algorithm } = created;
  // What can be read once is not there before it is its turn.
  const ahead = { parts: source.once ? [] : partsOf(created), ahead: 2 * job.concurrency };
  const digests =
    digester && algorithm && createDigests({ ...job, ...request, ...ahead, digester, algorithm });
  try {
    return await sendAndComplete(job, { ...upload, digests });
  } finally {
    digests?.stop();
  }
}

/** Sends what is missing and completes, again while the coordinator lacks parts that got lost. */
async function sendAndComplete<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: DigestedUpload,
): Promise<UploadResult> {
  const { stopSignal, gate, dispatch, source } = job;
  const { session, opened, digests } = upload;
  const { once } = source;
  let work = workLeft(upload.created);
  let seesEtags = true;
  for (let round = 1; ; round++) {
    const sent = sendAndReport(job, upload, work, () => (seesEtags = false));
    const report = await (once ? sent : sent.catch(leaveToCompletion));
    await source.verify();
    const sizeBytes = once && source.sizeBytes;
    if (sizeBytes !== undefined) job.begin(sizeBytes, []);
    const whole = { report, checksum: await wholeOf(digests, seesEtags), sizeBytes };
    const completion = await gate.run(stopSignal, async (signal) => {
      dispatch({ kind: 'completing', upload: opened });
      return await completeUpload(job, (asked) => session.complete(asked, whole), signal);
    });
    const { result, refusal } = completion;
    if (result) return result;
    // What was read once cannot be sent again.
    if (round === MAX_ROUNDS || once) throw refusal;
    work = workLeft(await session.reopen(), refusal);
    for (const part of work.missing) job.partMoved(part, 0);
    dispatch({ kind: 'sending', upload: opened });
  }
}

/** Sends what is left, and answers what is left to be reported. */
async function sendAndReport<Source extends ByteSource>(
  job: UploadJob<Source>,
  upload: DigestedUpload,
  { missing, doubtful }: WorkLeft,
  onEtagHidden: () => void,
): Promise<readonly Receipt[]> {
  const { digests, opened, line } = upload;
  const { once } = job.source;
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
    if (receipt.etag) return;
    onEtagHidden();
    job.onNotice(ETAG_HIDDEN);
  });
  return await exchange.rest();
}
