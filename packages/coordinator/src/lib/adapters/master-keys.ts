import { Secret } from '../secret.ts';

/** A key that seals others. */
export interface MasterKey {
  /** Stands in what it has sealed: up to 64 letters, digits, `_` and `-`. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Secret<Uint8Array>;
}

const ENTRY = /^([\w-]{1,64}):([A-Za-z0-9+/]{43}=)$/;

/**
 * Master keys out of a text: `id:base64` each, separated by commas or white space, newest first.
 *
 * @throws TypeError when one of them is not such a pair, without repeating it
 * @example readMasterKeys('2026-11:3q2+7w…= 2026-05:AAEC…=')
 */
export function readMasterKeys(text: string): readonly MasterKey[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.map((entry, index) => {
    const [, id, key] = ENTRY.exec(entry) ?? [];
    if (id !== undefined && key !== undefined)
      return { id, key: new Secret(new Uint8Array(Buffer.from(key, 'base64'))) };
    throw new TypeError(
      `master key ${index + 1} of ${entries.length} must be an id of letters, digits, _ and -, a colon, and 32 bytes in base64: ` +
        'echo "$(date +%Y-%m):$(openssl rand -base64 32)"',
    );
  });
}
