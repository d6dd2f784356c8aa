import { createHash } from 'node:crypto';
import type { Encryption, RotateRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import { type CustomerKey, KeyVaultError } from '../../ports/key-vault.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import { Secret } from '../../secret.ts';
import type { UploadContext } from '../context.ts';
import { isCopiedByClient } from './client-copy.ts';

/** Keys of customers for a rotation: of the object as it is, and as it shall be. */
export interface RotationKeys {
  readonly old?: CustomerKey;
  readonly new?: CustomerKey;
}

type WhichKey = keyof RotationKeys;
type StoreOf = Pick<UploadContext, 'objectStore'>;
type Encryptions = Pick<RotationRecord, 'encryption' | 'sourceEncryption'>;

/**
 * The keys that came with a request. One that is not needed is not looked at.
 *
 * @throws CoordinatorError `customer-key-mismatch`
 */
export function keysIn(request: RotateRequest, encryptions: Encryptions, uploadId: string): RotationKeys {
  const { encryption, oldCustomerKey } = request;
  const newCustomerKey = encryption.mode === 'sse-c' ? encryption.customerKey : undefined;
  const keys = {
    old: keyFor(encryptions.sourceEncryption, oldCustomerKey),
    new: keyFor(encryptions.encryption, newCustomerKey),
  };
  for (const [which, key] of Object.entries(keys)) {
    if (key !== 'wrong') continue;
    if (which === 'old') throw otherOldKey(uploadId);
    throw new CoordinatorError(
      'customer-key-mismatch',
      'customerKey is not the key that customerKeyMd5 is of. Send the MD5 of its 32 bytes, in base64.',
      { uploadId },
    );
  }
  return withoutGaps(keys as { old: CustomerKey | undefined; new: CustomerKey | undefined });
}

/** The refusal of a key that the object does not have. */
export function otherOldKey(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'customer-key-mismatch',
    `The old key is not that of the object of upload ${uploadId}. Send the one that it has now.`,
    { uploadId },
  );
}

function keyFor(
  encryption: Encryption | undefined,
  base64: string | undefined,
): CustomerKey | 'wrong' | undefined {
  if (encryption?.mode !== 'sse-c' || base64 === undefined) return undefined;
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const isRight = createHash('md5').update(bytes).digest('base64') === encryption.customerKeyMd5;
  return isRight ? new Secret(bytes) : 'wrong';
}

/** Whether all keys are there that the copy takes of us. */
export function areEnough(context: StoreOf, keys: RotationKeys, encryptions: Encryptions): boolean {
  return neededBy(context, encryptions).every((which) => keys[which] !== undefined);
}

function neededBy(context: StoreOf, encryptions: Encryptions): readonly WhichKey[] {
  if (isCopiedByClient(context.objectStore.profile, encryptions)) return [];
  const { encryption, sourceEncryption } = encryptions;
  return [
    ...(sourceEncryption?.mode === 'sse-c' ? (['old'] as const) : []),
    ...(encryption.mode === 'sse-c' ? (['new'] as const) : []),
  ];
}

/** Lets keys wait in the vault, for whoever goes on with the rotation when this process does not. Without a vault nobody can. */
export async function keepRotationKeys(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
  keys: RotationKeys,
): Promise<void> {
  for (const which of neededBy(context, rotation)) {
    const key = keys[which];
    if (key) await context.keyVault?.put(vaultIdOf(rotation, which), key, { owner, purpose: 'rotate' });
  }
}

/** The keys at hand, and those that wait in the vault. */
export async function findRotationKeys(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
  atHand: RotationKeys,
): Promise<RotationKeys> {
  if (areEnough(context, atHand, rotation)) return atHand;
  const kept: { -readonly [Which in WhichKey]?: CustomerKey | undefined } = {};
  for (const which of neededBy(context, rotation))
    kept[which] = atHand[which] ?? (await readKey(context, vaultIdOf(rotation, which), owner));
  return withoutGaps({ old: kept.old, new: kept.new });
}

/** The rotation is over. A vault that is away forgets the keys by itself. */
export async function forgetRotationKeys(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
): Promise<void> {
  const { keyVault, onError } = context;
  for (const which of neededBy(context, rotation))
    await keyVault?.delete(vaultIdOf(rotation, which), { owner, purpose: 'end' }).catch(onError);
}

async function readKey(
  { keyVault, onError }: UploadContext,
  vaultId: string,
  owner: string,
): Promise<CustomerKey | undefined> {
  try {
    return await keyVault?.get(vaultId, { owner, purpose: 'rotate' });
  } catch (error) {
    if (!(error instanceof KeyVaultError) || error.kind !== 'sealed-otherwise') throw error;
    // Of no use to anybody: the owner is asked for it again.
    onError(error);
    return undefined;
  }
}

function vaultIdOf({ uploadId, generation }: RotationRecord, which: WhichKey): string {
  return `${uploadId}.${generation}:${which}`;
}

function withoutGaps(keys: {
  readonly old: CustomerKey | undefined;
  readonly new: CustomerKey | undefined;
}): RotationKeys {
  return { ...(keys.old && { old: keys.old }), ...(keys.new && { new: keys.new }) };
}
