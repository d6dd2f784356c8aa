import type { CreateUploadRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import { type CustomerKey, type KeyUse, KeyVaultError } from '../ports/key-vault.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import { Secret } from '../secret.ts';
import type { UploadContext } from './context.ts';

type Encrypted = Pick<UploadRecord, 'encryption'>;
type Keyed = Encrypted & Pick<UploadRecord, 'uploadId' | 'owner'>;
type StoreOf = Pick<UploadContext, 'objectStore'>;

/** The key for a call to the store that takes it. Empty where none is needed. */
export interface WithCustomerKey {
  readonly customerKey?: CustomerKey;
}

/** Whether the coordinator does without the key of an upload: then the client makes the calls that take it. */
export function isBlind({ objectStore }: StoreOf, { encryption }: Encrypted): boolean {
  return encryption?.mode === 'sse-c' && objectStore.profile.ssecBlind;
}

/** Whether calls of the coordinator take the key of an upload, which waits in the vault. */
function isKept({ objectStore }: StoreOf, { encryption }: Encrypted): boolean {
  return encryption?.mode === 'sse-c' && !objectStore.profile.ssecBlind;
}

/** Lets the key that came with a create wait in the vault; a repeated create brings one back that was forgotten. */
export async function keepCustomerKey(
  context: UploadContext,
  record: UploadRecord,
  { encryption }: Pick<CreateUploadRequest, 'encryption'>,
): Promise<void> {
  const isOpen = record.state === 'PENDING' || record.state === 'UPLOADING' || record.state === 'COMPLETING';
  if (!isOpen || !isKept(context, record)) return;
  if (encryption?.mode !== 'sse-c' || encryption.customerKey === undefined) return;
  const key = new Secret(new Uint8Array(Buffer.from(encryption.customerKey, 'base64')));
  await context.keyVault?.put(record.uploadId, key, { owner: record.owner, purpose: 'create' });
}

/**
 * The key of an upload, for a call to the store.
 *
 * @throws CoordinatorError `customer-key-needed` when it is not kept any more; KeyVaultError when the vault is away
 */
export async function customerKeyOf(
  context: UploadContext,
  upload: Keyed,
  purpose: KeyUse['purpose'],
): Promise<WithCustomerKey> {
  const found = await findCustomerKey(context, upload, purpose);
  if (found.customerKey || !isKept(context, upload)) return found;
  const { uploadId } = upload;
  throw new CoordinatorError(
    'customer-key-needed',
    `The key of upload ${uploadId} is not kept any more. Create it again with the same createId and customerKey, and go on.`,
    { uploadId },
  );
}

/** The same for calls that have another way: without a key that is kept no more, or that the vault cannot open. */
export async function findCustomerKey(
  context: UploadContext,
  upload: Keyed,
  purpose: KeyUse['purpose'],
): Promise<WithCustomerKey> {
  if (!isKept(context, upload)) return {};
  try {
    const customerKey = await context.keyVault?.get(upload.uploadId, { owner: upload.owner, purpose });
    return customerKey ? { customerKey } : {};
  } catch (error) {
    if (!(error instanceof KeyVaultError) || error.kind !== 'sealed-otherwise') throw error;
    // Of no use to anybody: its owner is asked for it again.
    context.onError(error);
    return {};
  }
}

/** The upload is over. A vault that is away forgets the key by itself. */
export async function forgetCustomerKey(context: UploadContext, record: UploadRecord): Promise<void> {
  if (!isKept(context, record)) return;
  const { uploadId, owner } = record;
  await context.keyVault?.delete(uploadId, { owner, purpose: 'end' }).catch(context.onError);
}
