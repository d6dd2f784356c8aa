import type { CreateUploadRequest, CreateUploadResponse, StoreCall } from '@longhaul/protocol';
import type { StoredPart } from '../ports/object-store.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { UploadContext } from './context.ts';
import { isBlind } from './customer-key.ts';
import { hotOf, isOpenAtStore, knownWithChecksums, type Listing } from './hot-state.ts';
import { newObjectOf } from './new-object.ts';
import { firstParts, signParts, signWhole } from './sign-parts.ts';
import { statusOf } from './upload-answers.ts';

/** What the client has said of the parts that it will send first. */
export type FirstWish = Pick<CreateUploadRequest, 'sign' | 'partSizeBytes'>;

/**
 * Answer of create: where the upload stands, and what the client needs to go on.
 *
 * @param earlier of an upload that was there before: what the store has listed of it just now, if it was asked
 */
export async function answerCreate(
  context: UploadContext,
  record: UploadRecord,
  request: FirstWish,
  earlier?: { readonly listed?: Listing },
): Promise<CreateUploadResponse> {
  const { settings, tokens } = context;
  const isOpen = record.state === 'UPLOADING';
  const { listed } = earlier ?? {};
  const receivedParts =
    isOpen && earlier && isOpenAtStore(record)
      ? await knownWithChecksums(context, record, listed && (async () => listed))
      : [];
  const grants = isOpen ? await firstGrants(context, record, request, receivedParts) : [];
  // Completed or ended since it was read: that is the answer, not an error.
  if (!grants) {
    const current = await context.catalog.find(record.uploadId);
    const { tokenVersion } = record;
    const ended = { ...(current ?? { ...record, state: 'CANCELLED' as const }), tokenVersion };
    return await answerCreate(context, ended, request, earlier);
  }
  return {
    ...statusOf(context, record, receivedParts),
    limits: settings.limits,
    token: tokens.mint(record),
    tokenExpiresInSeconds: tokens.lifetimeSeconds,
    resumed: earlier !== undefined,
    grants,
    ...(isOpenedByClient(context, record) && { openingCall: await signOpening(context, record) }),
    ...(record.checksumAlgorithm && { checksumAlgorithm: record.checksumAlgorithm }),
    ...(record.mustFinishByEpochMs !== undefined && { mustFinishByEpochMs: record.mustFinishByEpochMs }),
  };
}

/** `undefined`: the upload is not open any more. */
async function firstGrants(
  context: UploadContext,
  record: UploadRecord,
  request: FirstWish,
  receivedParts: readonly StoredPart[],
): Promise<CreateUploadResponse['grants'] | undefined> {
  if (record.mode === 'single') {
    // What is signed carries its digest: the client has to say it first.
    if (record.checksumAlgorithm && record.checksumAlgorithm !== record.checksum?.algorithm) return [];
    const grant = await signWhole(context, record);
    return grant && [grant];
  }
  if (!isOpenAtStore(record)) return [];
  const received = new Set(receivedParts.map((part) => part.partNumber));
  const first = firstParts(record, request, received, context.settings.firstGrantCount);
  return await signParts(context, hotOf(record), first);
}

/** A multipart upload whose key the coordinator does not have, before the client has begun it. */
function isOpenedByClient(context: UploadContext, record: UploadRecord): boolean {
  return record.state === 'PENDING' && record.mode === 'multipart' && isBlind(context, record);
}

async function signOpening(
  { objectStore, settings }: UploadContext,
  record: UploadRecord,
): Promise<StoreCall> {
  return await objectStore.signCreate({
    ...newObjectOf(record),
    expiresInSeconds: settings.grantExpiresInSeconds,
  });
}
