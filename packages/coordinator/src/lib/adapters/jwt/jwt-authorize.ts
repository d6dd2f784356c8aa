import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AuthorizationUnavailableError, type Authorize, noteRefusal } from '../../ports/authorizer.ts';
import { JWT_ALGORITHMS, type JwtAlgorithm } from '../../ports/jwt-algorithms.ts';
import { bearerToken } from '../bearer-token.ts';
import { jwtRefusal } from './jwt-refusal.ts';

/** Options of {@link createJwtAuthorize}. */
export interface JwtAuthorizeOptions {
  /** Where the provider shows its public keys: https, or a loopback host. */
  readonly jwksUrl: string | URL;
  /** What `iss` must be. */
  readonly issuer: string;
  /** What `aud` must be or hold: a token that was made for another service is refused. */
  readonly audience: string;
  /** Signatures that are taken. Default RS256, ES256 and EdDSA. */
  readonly algorithms?: readonly JwtAlgorithm[];
  /** How far the clocks may differ, 0 to 300 s. Default 5 s. */
  readonly clockToleranceSeconds?: number;
  /** Claim that names the owner. Default `sub`. */
  readonly ownerClaim?: string;
}

/** An owner is indexed and travels in every token of an upload. */
const MAX_OWNER_LENGTH = 256;
const ANSWER_WITHIN_MS = 5_000;

/**
 * An `authorize` hook for tokens of an identity provider (OpenID Connect): `Authorization: Bearer JWT`, signed by one of
 * the keys that the provider shows, for this issuer and audience, not expired. Keys are asked for once and again when a
 * token names one that is not known, at most every 30 s.
 *
 * A token is looked at when an upload is created; the upload's own token then lives `tokenLifetimeSeconds`.
 *
 * @throws TypeError when an option is not as it should be
 * @example
 * createJwtAuthorize({
 *   jwksUrl: 'https://login.example/.well-known/jwks.json',
 *   issuer: 'https://login.example/',
 *   audience: 'uploads',
 * });
 */
export function createJwtAuthorize(options: JwtAuthorizeOptions): Authorize {
  const { issuer, audience, ownerClaim = 'sub', clockToleranceSeconds = 5 } = options;
  const algorithms = options.algorithms ?? ['RS256', 'ES256', 'EdDSA'];
  assertOptions(options, algorithms);
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), { timeoutDuration: ANSWER_WITHIN_MS });
  const expected = {
    issuer,
    audience,
    algorithms: [...algorithms],
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', ownerClaim],
  };
  return async (request) => {
    const token = bearerToken(request);
    const refuse = (reason: string): undefined => {
      noteRefusal(request, reason);
      return undefined;
    };
    if (token === undefined) return refuse('no JWT in Authorization: Bearer');
    try {
      const { payload } = await jwtVerify(token, keys, expected);
      return ownerIn(payload[ownerClaim]) ?? refuse(`${ownerClaim} of the JWT names no owner`);
    } catch (error) {
      const reason = jwtRefusal(error);
      if (reason !== undefined) return refuse(reason);
      throw new AuthorizationUnavailableError('the keys of the identity provider cannot be had', {
        cause: error,
      });
    }
  };
}

function ownerIn(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim.length <= MAX_OWNER_LENGTH ? claim : undefined;
}

function assertOptions(
  { jwksUrl, issuer, audience, ownerClaim, clockToleranceSeconds = 0 }: JwtAuthorizeOptions,
  algorithms: readonly string[],
): void {
  assertKeysAreSafe(String(jwksUrl));
  if (!issuer || !audience)
    throw new TypeError('issuer and audience must be given: tokens for others would be taken');
  if (ownerClaim === '') throw new TypeError('ownerClaim must name a claim');
  const known: readonly string[] = JWT_ALGORITHMS;
  const wrong = algorithms.find((algorithm) => !known.includes(algorithm));
  if (wrong !== undefined || algorithms.length === 0)
    throw new TypeError(`algorithms must be of ${known.join(', ')}, got ${wrong ?? 'none'}`);
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300))
    throw new TypeError(`clockToleranceSeconds must be from 0 to 300, got ${clockToleranceSeconds}`);
}

/** Who can change the keys on their way can sign any token. */
function assertKeysAreSafe(jwksUrl: string): void {
  const { protocol, hostname } = URL.canParse(jwksUrl) ? new URL(jwksUrl) : { protocol: '', hostname: '' };
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isLocal)) return;
  throw new TypeError('jwksUrl must be an https URL, or http on this machine');
}
