import { createHmac, timingSafeEqual } from 'node:crypto';
import { CoordinatorError } from '../coordinator-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { Secret } from '../secret.ts';

/** What a token says once its signature was checked. */
export interface TokenClaims {
  readonly uploadId: string;
  readonly owner: string;
  /** Counted up in the upload's row to revoke every token given out before. */
  readonly tokenVersion: number;
  readonly expiresAtEpochMs: number;
}

/** Makes and checks the capability that every call on an upload needs. */
export interface UploadTokens {
  readonly lifetimeSeconds: number;
  /** Signs claims with the newest key. */
  mint(claims: Omit<TokenClaims, 'expiresAtEpochMs'>): string;
  /**
   * Checks signature, upload and expiry.
   *
   * @throws CoordinatorError `token-missing`, `token-invalid` or `token-expired`
   */
  verify(token: string | undefined, uploadId: string): TokenClaims;
  /** Half of the token's life is gone: time to hand out a fresh one. */
  isHalfSpent(claims: TokenClaims): boolean;
}

/**
 * Tokens as HMAC-SHA256 over upload, owner, version and expiry.
 *
 * The first key signs; every key verifies, so that keys can be rotated: put the new one first, drop the old one after
 * `lifetimeSeconds`.
 */
export function createUploadTokens(
  keys: readonly Secret[],
  lifetimeSeconds: number,
  clock: Clock,
): UploadTokens {
  const [signingKey] = keys;
  if (signingKey === undefined) throw new TypeError('tokenKeys must hold at least one key, got none');
  return {
    lifetimeSeconds,
    mint(claims) {
      const expiresAtEpochMs = clock.nowEpochMs() + lifetimeSeconds * 1000;
      const payload = encodeClaims({ ...claims, expiresAtEpochMs });
      return `${payload}.${signatureOf(payload, signingKey)}`;
    },
    verify(token, uploadId) {
      const claims = readClaims(token, keys, uploadId);
      if (claims.expiresAtEpochMs <= clock.nowEpochMs()) {
        throw new CoordinatorError(
          'token-expired',
          `The token of upload ${uploadId} has expired. Create it again with the same createId to get a fresh one.`,
          { uploadId },
        );
      }
      return claims;
    },
    isHalfSpent: (claims) => claims.expiresAtEpochMs - clock.nowEpochMs() < (lifetimeSeconds * 1000) / 2,
  };
}

function readClaims(token: string | undefined, keys: readonly Secret[], uploadId: string): TokenClaims {
  if (!token) {
    throw new CoordinatorError(
      'token-missing',
      'This call needs the token that the create call answered, in the header longhaul-token.',
    );
  }
  const [payload = '', signature = '', ...more] = token.split('.');
  const isOurs = more.length === 0 && keys.some((key) => isEqual(signatureOf(payload, key), signature));
  const claims = isOurs ? decodeClaims(payload) : undefined;
  if (claims?.uploadId !== uploadId) {
    throw new CoordinatorError('token-invalid', `The token does not belong to upload ${uploadId}.`, {
      uploadId,
    });
  }
  return claims;
}

function encodeClaims(claims: TokenClaims): string {
  const fields = [claims.uploadId, claims.owner, claims.tokenVersion, claims.expiresAtEpochMs];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** Reads a payload whose signature was checked, so its form is our own. */
function decodeClaims(payload: string): TokenClaims {
  const [uploadId, owner, tokenVersion, expiresAtEpochMs] = JSON.parse(
    Buffer.from(payload, 'base64url').toString(),
  ) as [string, string, number, number];
  return { uploadId, owner, tokenVersion, expiresAtEpochMs };
}

function signatureOf(payload: string, key: Secret): string {
  return createHmac('sha256', key.reveal()).update(`longhaul-upload-token.${payload}`).digest('base64url');
}

function isEqual(expected: string, received: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(received)];
  return a.length === b.length && timingSafeEqual(a, b);
}
