import { fitsPlan } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { StoredPart } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { knownWithChecksums, listFittingParts, type OpenRecord } from './hot-state.ts';
import type { WholeRecord } from './whole-record.ts';

/** Most part numbers that one refusal names. */
const MAX_NAMED_PARTS = 1_000;

/**
 * The list to complete: every part of the plan once, in order. Our own record is the list; what it lacks is looked for in
 * the store's listing first.
 *
 * A part that was reported while the size was unknown, and does not fit it, counts as missing.
 *
 * @param listed the store's listing, where the caller has it already
 * @throws CoordinatorError `parts-missing`
 */
export async function collectParts(
  context: UploadContext,
  record: OpenRecord & WholeRecord,
  listed?: readonly StoredPart[],
): Promise<readonly StoredPart[]> {
  let listing = listed;
  const list = async (): Promise<readonly StoredPart[]> =>
    (listing ??= (await listFittingParts(context, record)) ?? []);
  const known = (await knownWithChecksums(context, record, list)).filter((part) =>
    fitsPlan(record.plan, part),
  );
  if (known.length === record.plan.partCount) return known;
  const byNumber = new Map<number, StoredPart>();
  for (const part of [...(await list()), ...known]) byNumber.set(part.partNumber, part);
  const parts = Array.from({ length: record.plan.partCount }, (_, index) => byNumber.get(index + 1));
  const missingParts = parts.flatMap((part, index) => (part ? [] : [index + 1]));
  if (missingParts.length > 0) throw partsMissing(record, missingParts);
  return parts.flatMap((part) => part ?? []);
}

/** What the store has of a list that it refused. */
export interface Adoption {
  /**
   * The list as our own record of it goes on: parts with the ETag that they have now; where nobody can tell whether it
   * is the same part, as it was reported, so that a list with it is refused until it is sent again.
   */
  readonly parts: readonly StoredPart[];
  /** Parts to be sent again. */
  readonly missingParts: readonly number[];
  /** Every part is, by its checksum, what its client has reported. */
  readonly isProved: boolean;
}

/**
 * Compares a refused list with what the store has. A part that was stored again, by a request that came late or under
 * a key service, has another ETag: with an equal checksum it is the same part. Without one nobody can tell.
 */
export function adoptParts(refused: readonly StoredPart[], listed: readonly StoredPart[]): Adoption {
  const byNumber = new Map(listed.map((part) => [part.partNumber, part]));
  const parts: StoredPart[] = [];
  const missingParts: number[] = [];
  let isProved = true;
  for (const part of refused) {
    const now = byNumber.get(part.partNumber);
    const isSame = now !== undefined && isSamePart(part, now);
    // The same ETag says that it is the same part, and of its content nothing.
    isProved &&= isSame && !part.isListed && isSameChecksum(part, now);
    if (now) parts.push(isSame ? { ...part, etag: now.etag } : part);
    if (!isSame) missingParts.push(part.partNumber);
  }
  return { parts, missingParts, isProved };
}

function isSameChecksum({ checksum }: StoredPart, now: StoredPart): boolean {
  return checksum !== undefined && checksum.value === now.checksum?.value;
}

function isSamePart(before: StoredPart, now: StoredPart): boolean {
  if (before.sizeBytes !== now.sizeBytes) return false;
  const { checksum } = before;
  if (checksum && checksum.algorithm === now.checksum?.algorithm)
    return checksum.value === now.checksum.value;
  return before.etag === now.etag;
}

/** The refusal of a list that is not the content that its client has told of: it may be of two. */
export function partsDiffer({ uploadId }: WholeRecord): CoordinatorError {
  return new CoordinatorError(
    'parts-differ',
    `The parts of upload ${uploadId} do not make the content whose checksum was told: somebody else has sent or reported ` +
      'some of them. Create it again with the same createId to learn what it has, send the parts whose checksums differ ' +
      'from yours, and complete again.',
    { uploadId },
  );
}

/** The refusal that names parts to be sent. */
export function partsMissing(record: WholeRecord, missingParts: readonly number[]): CoordinatorError {
  return new CoordinatorError(
    'parts-missing',
    `Upload ${record.uploadId} lacks ${missingParts.length} of its ${record.plan.partCount} parts. Send them and complete again.`,
    { uploadId: record.uploadId, missingParts: missingParts.slice(0, MAX_NAMED_PARTS) },
  );
}
