import type { ChecksumAlgorithm } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { ByteWriter, BytesRef } from '../storage/storage.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { BodyClaims } from './body-claims.ts';
import type { BodyDigests, VerifiedDigests } from './body-digests.ts';
import { createBodyDigests } from './body-digests.ts';
import { refuseStalled } from './stalled-body.ts';

/** Written at once: large enough that the writes cost little, small enough that a thousand bodies fit in memory. */
const WRITE_BATCH_BYTES: number = 1024 ** 2;

/** S3 closes a connection on which nothing moves for about this long. */
const BODY_IDLE_MS = 20_000;

/** A body that was received whole and is what its sender said. */
export interface ReceivedBody extends VerifiedDigests {
  readonly bytes: BytesRef;
  readonly sizeBytes: number;
}

/** How to receive. */
export interface ReceiveOptions {
  readonly claims: BodyClaims;
  readonly writer: ByteWriter;
  /** Compute this one even if the client claims none. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
}

/** Takes the body in, bounded in memory, and checks every claim. On any failure the bytes are discarded. */
export async function receiveBody(
  body: AsyncIterable<Uint8Array>,
  options: ReceiveOptions,
): Promise<ReceivedBody> {
  try {
    const verified = await receive(body, options);
    return { ...verified, sizeBytes: options.claims.sizeBytes, bytes: await options.writer.finish() };
  } catch (error) {
    await options.writer.discard();
    throw error;
  }
}

async function receive(
  body: AsyncIterable<Uint8Array>,
  { claims, writer, checksumAlgorithm }: ReceiveOptions,
): Promise<VerifiedDigests> {
  const digests = await createBodyDigests(claims, claims.checksum?.algorithm ?? checksumAlgorithm);
  const live = refuseStalled(body, BODY_IDLE_MS);
  const { chunks, trailers } = claims.isAwsChunked
    ? decodeAwsChunked(live)
    : { chunks: live, trailers: new Map<string, string>() };
  const sizeBytes = await pump(chunks, { digests, writer, maxBytes: claims.sizeBytes });
  if (sizeBytes !== claims.sizeBytes) throw new S3Error('IncompleteBody');
  return digests.verify(trailers);
}

interface PumpOptions {
  readonly digests: BodyDigests;
  readonly writer: ByteWriter;
  readonly maxBytes: number;
}

/** Hashes and writes; one batch is being written while the next one is received. Answers how many bytes came. */
async function pump(
  chunks: AsyncIterable<Uint8Array>,
  { digests, writer, maxBytes }: PumpOptions,
): Promise<number> {
  let totalBytes = 0;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let writing: Promise<WriteOutcome> = Promise.resolve(undefined);
  try {
    for await (const chunk of chunks) {
      totalBytes += chunk.length;
      if (totalBytes > maxBytes) break;
      digests.update(chunk);
      batch.push(chunk);
      batchBytes += chunk.length;
      if (batchBytes < WRITE_BATCH_BYTES) continue;
      throwIfFailed(await writing);
      writing = settle(writer.write(batch));
      [batch, batchBytes] = [[], 0];
    }
    throwIfFailed(await writing);
    if (batch.length > 0) await writer.write(batch);
    return totalBytes;
  } finally {
    // Whoever discards the bytes must not do so under a write.
    await writing;
  }
}

type WriteOutcome = { readonly error: unknown } | undefined;

/** A failure must wait until the next batch is full: as a rejected promise it would count as unhandled meanwhile. */
async function settle(write: Promise<void>): Promise<WriteOutcome> {
  try {
    await write;
    return undefined;
  } catch (error) {
    return { error };
  }
}

function throwIfFailed(outcome: WriteOutcome): void {
  if (outcome !== undefined) throw outcome.error;
}
