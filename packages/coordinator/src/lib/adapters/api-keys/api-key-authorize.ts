import { createHash, timingSafeEqual } from 'node:crypto';
import { type Authorize, noteRefusal } from '../../ports/authorizer.ts';
import { bearerToken } from '../bearer-token.ts';

/** A key that may create uploads. */
export interface ApiKey {
  /** Whose uploads they are. Several keys may have one owner: so a key is replaced without a gap. */
  readonly owner: string;
  /** SHA-256 of the key, in hex: who reads the configuration cannot use it. */
  readonly sha256: string;
}

/** Options of {@link createApiKeyAuthorize}. */
export interface ApiKeyAuthorizeOptions {
  /** At least one. See {@link parseApiKeys}. */
  readonly keys: readonly ApiKey[];
}

const SHA256_HEX = /^[\da-f]{64}$/i;

/**
 * An `authorize` hook for services: who sends a known key as `Authorization: Bearer KEY` is its owner.
 *
 * Keys must be random and long (`longhaul-coordinator api-key` makes one): they are kept as a plain SHA-256, which only
 * chance protects from guessing.
 *
 * @throws TypeError when there is no key, or one is not as it should be
 * @example createApiKeyAuthorize({ keys: parseApiKeys(await readFile('api-keys', 'utf8')) });
 */
export function createApiKeyAuthorize({ keys }: ApiKeyAuthorizeOptions): Authorize {
  if (keys.length === 0) throw new TypeError('keys must hold at least one key, got none');
  const known = keys.map(({ owner, sha256 }) => {
    if (!SHA256_HEX.test(sha256))
      throw new TypeError(`the key of ${owner} must be given as a SHA-256 in hex, 64 digits`);
    if (owner === '') throw new TypeError('every key must have an owner');
    return { owner, digest: Buffer.from(sha256, 'hex') };
  });
  return (request) => {
    const token = bearerToken(request);
    if (token === undefined) {
      noteRefusal(request, 'no API key in Authorization: Bearer');
      return undefined;
    }
    const digest = createHash('sha256').update(token).digest();
    // All of them are compared, each in the same time: how long it takes tells nothing of any.
    const matching = known.filter((key) => timingSafeEqual(key.digest, digest));
    if (!matching[0]) noteRefusal(request, 'the API key is not known');
    return matching[0]?.owner;
  };
}

/**
 * Keys as a file has them: a line each of the owner and the key's SHA-256 in hex, blank lines and lines that begin with
 * `#` left out.
 *
 * @throws TypeError naming the line that is wrong, never what stands in it
 */
export function parseApiKeys(text: string): readonly ApiKey[] {
  return text.split('\n').flatMap((line, index) => {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) return [];
    const [, owner, sha256] = /^(\S+)\s+([\da-f]{64})$/i.exec(content) ?? [];
    if (owner !== undefined && sha256 !== undefined) return [{ owner, sha256 }];
    throw new TypeError(`line ${index + 1} must hold an owner and the SHA-256 of a key in hex`);
  });
}
