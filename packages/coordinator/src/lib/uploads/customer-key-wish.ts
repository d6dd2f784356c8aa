import { createHash } from 'node:crypto';
import type { EncryptionWish } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { StoreProfile } from '../ports/store-profile.ts';

/**
 * Refuses a key where none is needed, so that nobody gives it away for nothing, and a create without one where the store
 * cannot do without.
 *
 * @param hasVault whether there is somewhere for a key to wait
 * @throws CoordinatorError `bad-request`, `encryption-unsupported`, `customer-key-needed`, `customer-key-mismatch`
 */
export function assertCustomerKey(
  { ssecBlind, name }: StoreProfile,
  { customerKey, customerKeyMd5 }: Extract<EncryptionWish, { mode: 'sse-c' }>,
  hasVault: boolean,
): void {
  if (ssecBlind) {
    if (customerKey === undefined) return;
    throw new CoordinatorError(
      'bad-request',
      'This server does without customerKey, and does not want to know it. Send customerKeyMd5 alone.',
    );
  }
  if (!hasVault) {
    throw new CoordinatorError(
      'encryption-unsupported',
      `The store (${name}) takes no key that was not signed, and this server keeps none. Use another mode.`,
    );
  }
  if (customerKey === undefined) {
    throw new CoordinatorError(
      'customer-key-needed',
      `The store (${name}) takes no key that was not signed. Send customerKey along, if this server may know it for a while.`,
    );
  }
  if (createHash('md5').update(customerKey, 'base64').digest('base64') !== customerKeyMd5) {
    throw new CoordinatorError(
      'customer-key-mismatch',
      'customerKey is not the key that customerKeyMd5 is of. Send the MD5 of its 32 bytes, in base64.',
    );
  }
}
