import type { CreateUploadResponse, PartRange } from '@longhaul/protocol';
import { partsOf } from './parts-of.ts';
import type { UploadError } from '../upload-error.ts';

/** What is to be done for an upload before it can be completed. */
export interface WorkLeft {
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

/**
 * What is left, once the coordinator has said what the store has; and, of a completion that was refused, what is wrong with
 * it. Nothing, where the upload takes no more parts: asking for completion tells what became of it.
 */
export function workLeft(created: CreateUploadResponse | undefined, refusal?: unknown): WorkLeft {
  if (created?.state !== 'UPLOADING') return { missing: [], doubtful: new Map() };
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
