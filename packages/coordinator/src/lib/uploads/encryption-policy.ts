import type { Encryption, EncryptionMode, EncryptionWish } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { isLoopbackHost } from './loopback.ts';
import { assertCustomerKey } from './customer-key-wish.ts';

/** Which encryption at rest uploads may ask for, have to have, and get when they ask for none. */
export interface EncryptionPolicy {
  /** Modes that may be asked for. Default: all that the store has. */
  readonly modes?: readonly EncryptionMode[];
  /** Refuse uploads that ask for none, unless there is a default. Default `false`. */
  readonly isRequired?: boolean;
  /** What uploads get that ask for none. Default: what the bucket does by itself. */
  readonly defaultMode?: 'sse-s3' | 'sse-kms';
  /**
   * KMS keys that may be asked for by name, as clients write them (id, ARN or alias); `*`: any that the store lets the
   * coordinator use. Default: none; `sse-kms` without a key is for {@link defaultKmsKeyId}.
   */
  readonly kmsKeyIds?: readonly string[];
  /** Key of `sse-kms` without one. Default: the store's own (`aws/s3`). */
  readonly defaultKmsKeyId?: string;
}

const MODES: readonly EncryptionMode[] = ['sse-s3', 'sse-kms', 'sse-c'];

/** Everything that is wrong with a policy, one sentence each. */
export function encryptionPolicyErrors(policy: EncryptionPolicy): string[] {
  const { modes = MODES, defaultMode } = policy;
  const errors: string[] = [];
  if (modes.some((mode) => !MODES.includes(mode)))
    errors.push(`encryption.modes may hold ${MODES.join(', ')}, got "${modes.join(', ')}"`);
  if (policy.isRequired && modes.length === 0)
    errors.push('encryption.isRequired has no meaning where encryption.modes is empty');
  if (defaultMode !== undefined && defaultMode !== 'sse-s3' && defaultMode !== 'sse-kms')
    errors.push(`encryption.defaultMode may be sse-s3 or sse-kms, got "${String(defaultMode)}"`);
  else if (defaultMode !== undefined && !modes.includes(defaultMode))
    errors.push(`encryption.defaultMode is ${defaultMode}, which encryption.modes does not hold`);
  return errors;
}

/**
 * The encryption that an upload gets.
 *
 * @param hasVault whether there is somewhere for a key of a customer to wait
 * @throws CoordinatorError `encryption-required`, `encryption-not-allowed`, `encryption-unsupported`,
 * `customer-key-needed` or `customer-key-mismatch`
 */
export function decideEncryption(
  policy: EncryptionPolicy,
  objectStore: ObjectStore,
  wish: EncryptionWish | undefined,
  hasVault: boolean,
): Encryption | undefined {
  const { defaultMode, isRequired = false } = policy;
  const asked: EncryptionWish | undefined = wish ?? (defaultMode && { mode: defaultMode });
  const modes = modesOf(policy, objectStore);
  if (!asked && isRequired) {
    throw new CoordinatorError(
      'encryption-required',
      `Uploads have to be encrypted here. Ask for ${modes.join(' or ')}.`,
    );
  }
  if (!asked) return undefined;
  assertMode(asked.mode, policy, objectStore);
  switch (asked.mode) {
    case 'sse-s3':
      return { mode: asked.mode };
    case 'sse-kms':
      return decideKmsKey(policy, asked.kmsKeyId);
    case 'sse-c':
      assertSecure(objectStore);
      assertCustomerKey(objectStore.profile, asked, hasVault);
      return { mode: asked.mode, customerKeyMd5: asked.customerKeyMd5 };
  }
}

function modesOf({ modes = MODES }: EncryptionPolicy, { profile }: ObjectStore): readonly EncryptionMode[] {
  return modes.filter((mode) => profile.encryption.includes(mode));
}

function assertMode(mode: EncryptionMode, policy: EncryptionPolicy, objectStore: ObjectStore): void {
  const { modes = MODES } = policy;
  const others = modesOf(policy, objectStore);
  const instead = others.length > 0 ? `Ask for ${others.join(' or ')}` : 'Leave encryption out';
  if (!modes.includes(mode)) {
    throw new CoordinatorError(
      'encryption-not-allowed',
      `Uploads may not ask for ${mode} here. ${instead}, or have it allowed.`,
    );
  }
  if (!objectStore.profile.encryption.includes(mode)) {
    throw new CoordinatorError(
      'encryption-unsupported',
      `The store cannot encrypt with ${mode} (${objectStore.profile.name}). ${instead}.`,
    );
  }
}

function decideKmsKey(
  { kmsKeyIds = [], defaultKmsKeyId }: EncryptionPolicy,
  asked: string | undefined,
): Encryption {
  const kmsKeyId = asked ?? defaultKmsKeyId;
  const isAllowed =
    asked === undefined || asked === defaultKmsKeyId || kmsKeyIds.includes('*') || kmsKeyIds.includes(asked);
  if (!isAllowed) {
    throw new CoordinatorError(
      'encryption-not-allowed',
      'Uploads may not ask for this KMS key here. Name one that is allowed, or none for the default one.',
    );
  }
  return { mode: 'sse-kms', ...(kmsKeyId !== undefined && { kmsKeyId }) };
}

/** The key travels with every part: in the clear it would be everybody's. */
function assertSecure(objectStore: ObjectStore): void {
  const { protocol, hostname } = new URL(objectStore.locationOf('key'));
  if (protocol === 'https:' || isLoopbackHost(hostname)) return;
  throw new CoordinatorError(
    'encryption-unsupported',
    'Keys of sse-c are sent over TLS only, and this store is reached by http. Give it an https address.',
  );
}
