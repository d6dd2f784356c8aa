import { errors } from 'jose';

/** Of the claims that are compared. What the token says instead is not repeated: it may be anything. */
const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'is of another issuer (iss)',
  aud: 'was made for another audience (aud)',
  nbf: 'is not good yet (nbf)',
};

const REASONS: Readonly<Record<string, string>> = {
  [errors.JWTExpired.code]: 'the JWT has expired',
  [errors.JWKSNoMatchingKey.code]: 'the JWT names a key (kid) that the provider does not show',
  [errors.JWSSignatureVerificationFailed.code]: 'the signature of the JWT is wrong',
  [errors.JOSEAlgNotAllowed.code]: 'the JWT is signed by an algorithm that is not allowed',
};

/** Not of the token: the way to the keys was barred. */
const NO_KEYS: ReadonlySet<string> = new Set([
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JOSEError.code,
]);

/** What is wrong with a token, for the log; `undefined`: nothing is known to be. */
export function jwtRefusal(error: unknown): string | undefined {
  if (!(error instanceof errors.JOSEError) || NO_KEYS.has(error.code)) return undefined;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    const wrong = CLAIMS[claim] ?? `has a wrong ${claim}`;
    return `the JWT ${reason === 'missing' ? `has no ${claim}` : wrong}`;
  }
  return REASONS[error.code] ?? 'what stands in Authorization: Bearer is no JWT that can be checked';
}
