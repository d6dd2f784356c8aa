import { createHmac } from 'node:crypto';
import type { Secret } from '../../secret.ts';

/**
 * Tells that two places have the same token key. It is made with the key as a token's signature is, so it tells no more of
 * it than every token that a client holds.
 */
export function tokenKeyCheck(key: Secret, installationId: string): string {
  const digest = createHmac('sha256', key.reveal()).update(`longhaul-token-key-check.${installationId}`);
  return digest.digest('base64url');
}
