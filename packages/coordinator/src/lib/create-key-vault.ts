import type { Clock } from './ports/clock.ts';
import type { KeyAuditEvent, KeySealer, KeyUse, KeyVault, SealedKeyStore } from './ports/key-vault.ts';
import { systemClock } from './system-clock.ts';

/** Options of {@link createKeyVault}. */
export interface KeyVaultOptions {
  /** See `createEnvelopeSealer`, `createKmsSealer` and `createTransitSealer`. */
  readonly sealer: KeySealer;
  /** See `createRedisSealedKeys` and the `sealedKeys` of `createSqliteStore`. */
  readonly storage: SealedKeyStore;
  /**
   * How long a key is kept after its last use. Default 3,600 (1 h), which is the most: an upload that rests longer is given
   * its key again when it goes on.
   */
  readonly ttlSeconds?: number;
  /** Told of every use of a key. What it throws fails that use. Default: nobody is told. */
  readonly onAudit?: (event: KeyAuditEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const MAX_TTL_SECONDS = 3600;

/**
 * A vault of a sealer, which makes keys unreadable, and a storage for what it makes of them.
 *
 * @throws TypeError when `ttlSeconds` is not a whole number from 1 to 3,600
 * @example
 * const { catalog, state, sealedKeys } = createSqliteStore({ path: 'longhaul.sqlite' });
 * const sealer = createEnvelopeSealer({ masterKeys: readMasterKeys(process.env['MASTER_KEYS'] ?? '') });
 * const keyVault = createKeyVault({ sealer, storage: sealedKeys, onAudit: (event) => console.log(event) });
 */
export function createKeyVault(options: KeyVaultOptions): KeyVault {
  const { sealer, storage, onAudit = () => undefined, clock = systemClock } = options;
  const ttlSeconds = lifeOf(options.ttlSeconds ?? MAX_TTL_SECONDS);

  /** Does it, and tells the audit what came of it. */
  async function audited<Result>(
    what: Pick<KeyAuditEvent, 'deed' | 'uploadId'> & { readonly use: KeyUse },
    work: () => Promise<Result>,
    outcomeOf: (result: Result) => KeyAuditEvent['outcome'] = () => 'done',
  ): Promise<Result> {
    const { deed, uploadId, use } = what;
    const tell = (outcome: KeyAuditEvent['outcome']): void =>
      onAudit({
        atEpochMs: clock.nowEpochMs(),
        uploadId,
        deed,
        owner: use.owner,
        purpose: use.purpose,
        outcome,
        sealer: sealer.name,
      });
    let result: Result;
    try {
      result = await work();
    } catch (error) {
      tell('failed');
      throw error;
    }
    tell(outcomeOf(result));
    return result;
  }

  return {
    put: (uploadId, key, use) =>
      audited({ deed: 'put', uploadId, use }, async () => {
        await storage.write(uploadId, await sealer.seal(uploadId, key), ttlSeconds);
      }),
    get: (uploadId, use) =>
      audited(
        { deed: 'get', uploadId, use },
        async () => {
          const sealed = await storage.read(uploadId, ttlSeconds);
          return sealed === undefined ? undefined : await sealer.open(uploadId, sealed);
        },
        (key) => (key === undefined ? 'absent' : 'done'),
      ),
    delete: (uploadId, use) =>
      audited({ deed: 'delete', uploadId, use }, async () => await storage.remove(uploadId)),
  };
}

function lifeOf(ttlSeconds: number): number {
  if (Number.isSafeInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= MAX_TTL_SECONDS) return ttlSeconds;
  throw new TypeError(`ttlSeconds must be a whole number from 1 to ${MAX_TTL_SECONDS}, got ${ttlSeconds}`);
}
