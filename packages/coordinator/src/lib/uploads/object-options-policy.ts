import { OBJECT_OPTION_NAMES, type ObjectOptionName, type ObjectOptions } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { StoreProfile } from '../ports/store-profile.ts';

/** What uploads may ask the store to keep with their objects. */
export interface ObjectOptionsPolicy {
  /**
   * Members of `objectOptions` that may be asked for. Default `cacheControl`, `contentDisposition` and `contentEncoding`, which
   * concern nobody but those who download. The others cost money, steer rules of the bucket, or keep an object from being
   * deleted.
   */
  readonly allowed?: readonly ObjectOptionName[];
  /** With `storageClass` allowed: the classes that may be asked for. Default: all. */
  readonly storageClasses?: readonly string[];
}

const ALLOWED_BY_DEFAULT: readonly ObjectOptionName[] = [
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
];

/** Everything that is wrong with a policy, one sentence each. */
export function objectOptionsPolicyErrors({ allowed = [] }: ObjectOptionsPolicy): string[] {
  const unknown = allowed.filter((name) => !OBJECT_OPTION_NAMES.includes(name));
  return unknown.length === 0
    ? []
    : [`objectOptions.allowed may hold ${OBJECT_OPTION_NAMES.join(', ')}, got "${unknown.join(', ')}"`];
}

/**
 * Refuses what policy or store does not let through, before anything is written.
 *
 * @throws CoordinatorError `object-options-not-allowed`, `object-options-unsupported`
 */
export function assertObjectOptions(
  { allowed = ALLOWED_BY_DEFAULT, storageClasses }: ObjectOptionsPolicy,
  profile: StoreProfile,
  options: ObjectOptions = {},
): void {
  const asked = OBJECT_OPTION_NAMES.filter((name) => options[name] !== undefined);
  const forbidden = asked.filter((name) => !allowed.includes(name));
  if (forbidden.length > 0) {
    throw new CoordinatorError(
      'object-options-not-allowed',
      `Uploads may not ask for ${forbidden.join(', ')} here. Leave it out of objectOptions, or have it allowed.`,
    );
  }
  const { storageClass } = options;
  if (storageClass !== undefined && storageClasses && !storageClasses.includes(storageClass)) {
    throw new CoordinatorError(
      'object-options-not-allowed',
      `Uploads may not ask for the storage class ${storageClass} here, but for ${storageClasses.join(', ')}.`,
    );
  }
  const absent = asked.filter((name) => !profile.objectOptions.includes(name));
  if (absent.length > 0) {
    throw new CoordinatorError(
      'object-options-unsupported',
      `The store (${profile.name}) cannot keep ${absent.join(', ')} with an object. Leave it out of objectOptions.`,
    );
  }
}
