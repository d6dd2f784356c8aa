import type { Encryption, EncryptionWish } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { StoreProfile } from '../ports/store-profile.ts';

/** Whether the coordinator does without the key of an upload: then the client makes the calls that take it. */
export function isBlind({ encryption }: Pick<UploadRecord, 'encryption'>): boolean {
  return encryption?.mode === 'sse-c';
}

/**
 * Refuses a key where none is needed, so that nobody gives it away for nothing, and a create without one where the store
 * cannot do without.
 *
 * @throws CoordinatorError `bad-request`, `customer-key-needed`
 */
export function assertCustomerKey(
  { ssecBlind, name }: StoreProfile,
  wish: Extract<EncryptionWish, { mode: 'sse-c' }>,
): Encryption {
  if (ssecBlind && wish.customerKey !== undefined) {
    throw new CoordinatorError(
      'bad-request',
      'This server does without customerKey, and does not want to know it. Send customerKeyMd5 alone.',
    );
  }
  if (!ssecBlind) {
    throw new CoordinatorError(
      'customer-key-needed',
      `The store (${name}) takes no key that was not signed, and this server holds none. Use another mode.`,
    );
  }
  return { mode: wish.mode, customerKeyMd5: wish.customerKeyMd5 };
}
