/**
 * Streams an object to its new key, where the store cannot copy it: every part comes to this machine and goes back.
 *
 * @module
 */
import type { Checksum, PartRange, RotationCopy } from '@longhaul/protocol';
import { createMd5 } from '../integrity/md5.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import type { RepeatInput } from '../repeat.ts';
import { base64Of, type KeyAndMd5, open, refusedOpening } from './customer-key.ts';
import type { LoadedAlready } from './loaded-already.ts';
import { readPart, writePart } from './part-transfer.ts';
import { createWholeHash, type WholeHash } from './whole-hash.ts';

/** What it takes. */
export interface CopyJob extends LoadedAlready, RepeatInput {
  readonly coordinator: Coordinator;
  readonly nodeId: string;
  readonly rotationId: string;
  readonly oldKey: KeyAndMd5;
  /** Left out: the object shall have none of its owner's. */
  readonly newKey: KeyAndMd5 | undefined;
  /** Told of bytes at their new key. */
  readonly onCopied: (copiedBytes: number, totalBytes: number) => void;
}

/** What this run has done for the copy. */
export interface CopiedByClient {
  /** Parts that were not there before. */
  readonly partCount: number;
  /** Of the whole, where all of it was streamed now. */
  readonly checksum?: Checksum;
}

/** Parts under way: each is held in memory, whatever becomes of it. */
const PARTS_AT_ONCE = 3;

/**
 * Streams what is not there yet. Every byte is read from the very object that was uploaded, and is at its new key only if its MD5
 * is the one that was signed.
 *
 * @throws UploadError `STORE_REFUSED`, `STORE_UNREACHABLE`, `KEY_UNUSABLE`, and of the coordinator; the signal's reason
 */
export async function copyByClient(job: CopyJob, signal: AbortSignal): Promise<CopiedByClient> {
  const copy = await openCopy(job, signal);
  const { plan, receivedParts = [] } = copy;
  const received = new Set(receivedParts.map(({ partNumber }) => partNumber));
  const missing = rangesOf(plan).filter(({ partNumber }) => !received.has(partNumber));
  let copiedBytes = plan.sizeBytes - missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  job.onCopied(copiedBytes, plan.sizeBytes);
  const isAll = missing.length === plan.partCount;
  const whole = isAll ? createWholeHash(copy) : undefined;
  const isWhole = plan.partCount === 1;
  const streaming = { job, whole, isWhole, source: copy.source, digested: Promise.resolve() };
  await inTurns(missing, signal, async (part, ownSignal) => {
    await streamPart(streaming, part, ownSignal);
    job.onCopied((copiedBytes += part.sizeBytes), plan.sizeBytes);
  });
  return { partCount: missing.length, ...(whole && { checksum: whole.digest() }) };
}

/** Asks until the copy takes parts. */
async function openCopy(job: CopyJob, signal: AbortSignal): Promise<RotationCopy> {
  for (let isLast = false; ; isLast = true) {
    const copy = await ask(job, {}, signal);
    const { openingCall } = copy;
    if (!openingCall || !job.newKey) return copy;
    const s3UploadId = await open({ ...job.newKey, ...job }, openingCall, job, signal);
    if (s3UploadId) return await ask(job, { s3UploadId }, signal);
    // The URL was too old, most likely.
    if (isLast) throw refusedOpening(job, openingCall, 403, 'AccessDenied');
  }
}

/** What the protocol has for this is loaded by every page in one piece with what it needs: imported here, it would fall into two. */
function rangesOf({ sizeBytes, partSizeBytes, partCount }: RotationCopy['plan']): readonly PartRange[] {
  return Array.from({ length: partCount }, (_, index) => {
    const offsetBytes = index * partSizeBytes;
    const partNumber = index + 1;
    return { partNumber, offsetBytes, sizeBytes: Math.min(partSizeBytes, sizeBytes - offsetBytes) };
  });
}

interface Streaming {
  readonly job: CopyJob;
  readonly whole: WholeHash | undefined;
  /** The one part is all of the object: no stretch has to be named. */
  readonly isWhole: boolean;
  /** The newest: each answer brings one, and older ones expire. */
  source: RotationCopy['source'];
  /** Once all parts before are digested. */
  digested: Promise<unknown>;
}

async function streamPart(streaming: Streaming, part: PartRange, signal: AbortSignal): Promise<void> {
  const { job, whole, isWhole } = streaming;
  const renew = async (): Promise<void> => {
    streaming.source = (await ask(job, {}, signal)).source;
  };
  const reading = readPart({ ...job, part, isWhole, sourceOf: () => streaming.source, renew }, signal);
  const before = streaming.digested;
  const digesting = reading.then(async (bytes) => {
    const md5 = md5Of(bytes);
    await before;
    whole?.update(bytes, md5);
    return { bytes, md5 };
  });
  streaming.digested = digesting;
  // Waited for before anything is sent, so that no more parts are held than are under way.
  const { bytes, md5 } = await digesting;
  const contentMd5 = base64Of(md5);
  const { partNumber } = part;
  const sign = async (): Promise<RotationCopy['grants'][number] | undefined> => {
    const { grants, source } = await ask(job, { sign: [{ partNumber, contentMd5 }] }, signal);
    streaming.source = source;
    return grants[0];
  };
  await writePart({ ...job, part, bytes, sign }, signal);
}

function md5Of(bytes: Uint8Array): Uint8Array {
  const hash = createMd5();
  hash.update(bytes);
  return hash.digest();
}

/** Some at once, in order; the first that fails ends the others. */
async function inTurns(
  parts: readonly PartRange[],
  signal: AbortSignal,
  work: (part: PartRange, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const ownSignal = AbortSignal.any([signal, failure.signal]);
  const queue = parts.values();
  const runner = async (): Promise<void> => {
    for (const part of queue) {
      ownSignal.throwIfAborted();
      await work(part, ownSignal);
    }
  };
  const runners = Array.from({ length: PARTS_AT_ONCE }, () =>
    runner().catch((error: unknown) => {
      failure.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(runners);
  await Promise.all(runners);
}

async function ask(
  { coordinator, nodeId, rotationId }: CopyJob,
  more: object,
  signal: AbortSignal,
): Promise<RotationCopy> {
  const path = `/${encodeURIComponent(nodeId)}/rotation/copy`;
  const call = { method: 'post', resource: 'objects', path, json: { rotationId, ...more } } as const;
  return await coordinator.call<RotationCopy>(call, signal);
}
