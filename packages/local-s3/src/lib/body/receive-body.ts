import type { ChecksumAlgorithm } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { ByteWriter, BytesRef } from '../storage/storage.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { BodyClaims } from './body-claims.ts';
import type { VerifiedDigests } from './body-digests.ts';
import { hashNames, verifyDigests } from './body-digests.ts';
import { createWorkerHasher } from './hash-pool.ts';
import { createInlineHasher } from './hasher.ts';
import { pump } from './pump.ts';
import { refuseStalled } from './stalled-body.ts';

/** S3 closes a connection on which nothing moves for about this long. */
const BODY_IDLE_MS = 20_000;

/** Bodies from this size on are hashed in another thread; below, the messages would cost more than they save. */
const WORKER_MIN_BYTES: number = 4 * 1024 ** 2;

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
  const wanted = { claims, algorithm: claims.checksum?.algorithm ?? checksumAlgorithm };
  const names = hashNames(wanted);
  const live = refuseStalled(body, BODY_IDLE_MS);
  const { chunks, trailers } = claims.isAwsChunked
    ? decodeAwsChunked(live)
    : { chunks: live, trailers: new Map<string, string>() };
  const isLarge = claims.sizeBytes >= WORKER_MIN_BYTES;
  const hasher = isLarge ? createWorkerHasher(names) : await createInlineHasher(names);
  try {
    const sizeBytes = await pump(chunks, { hasher, writer, expectedBytes: claims.sizeBytes });
    if (sizeBytes !== claims.sizeBytes) throw new S3Error('IncompleteBody');
  } catch (error) {
    hasher.drop();
    throw error;
  }
  return verifyDigests(await hasher.finish(), wanted, trailers);
}
