import type { Secret } from '../secret.ts';

/** A key of 256 bits that a caller has chosen for an object (SSE-C). */
export type CustomerKey = Secret<Uint8Array>;

/** What a key is needed for, and whose upload it is; what an audit tells. */
export interface KeyUse {
  readonly owner: string;
  readonly purpose: 'create' | 'sign' | 'complete' | 'prove' | 'rotate' | 'end';
}

/**
 * Keeps keys of uploads for as long as these are on their way, where the store wants the key of the coordinator, too.
 * Nothing outside of it holds a key that could be read: no row, no hot state, no event, no log.
 *
 * Throws {@link KeyVaultError} when the key service or the storage cannot be reached, or what is kept was changed.
 */
export interface KeyVault {
  /** Keeps the key of an upload; one that is there is replaced. */
  put(uploadId: string, key: CustomerKey, use: KeyUse): Promise<void>;

  /** The key, and lets it live on. `undefined` when there is none, or none any more: its owner must send it again. */
  get(uploadId: string, use: KeyUse): Promise<CustomerKey | undefined>;

  /** Forgets it. Nothing there is a success. */
  delete(uploadId: string, use: KeyUse): Promise<void>;
}

/** Makes keys unreadable, each for one upload. */
export interface KeySealer {
  /** Name of the kind, for audits: `envelope`, `aws-kms`, `transit`. */
  readonly name: string;

  /** Text without secrets from which only {@link open} with the same upload makes the key again. */
  seal(uploadId: string, key: CustomerKey): Promise<string>;

  /** @throws KeyVaultError of kind `sealed-otherwise` for another upload, another master key, or a text that was changed */
  open(uploadId: string, sealed: string): Promise<CustomerKey>;
}

/** Where sealed keys wait. What it holds is of no use without the sealer. */
export interface SealedKeyStore {
  /** Keeps a sealed key for so long; one that is there is replaced. */
  write(uploadId: string, sealed: string, ttlSeconds: number): Promise<void>;

  /** The sealed key, which then lives that long from now; `undefined` when its time is over. */
  read(uploadId: string, ttlSeconds: number): Promise<string | undefined>;

  /** Removes it. Nothing there is a success. */
  remove(uploadId: string): Promise<void>;
}

/** One use of a key, as an audit is told. It never holds the key, nor anything made of it. */
export interface KeyAuditEvent extends KeyUse {
  readonly atEpochMs: number;
  readonly uploadId: string;
  readonly deed: 'put' | 'get' | 'delete';
  /** `absent`: there was no key. */
  readonly outcome: 'done' | 'absent' | 'failed';
  /** {@link KeySealer.name} */
  readonly sealer: string;
}

/**
 * Why a vault could not do it: `unreachable` may go well later; `sealed-otherwise` never does, the owner of the upload has
 * to send the key again.
 */
export class KeyVaultError extends Error {
  override readonly name = 'KeyVaultError';
  readonly kind: 'unreachable' | 'refused' | 'sealed-otherwise';

  constructor(kind: KeyVaultError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
