import { type EncryptionMode, OBJECT_OPTION_NAMES, type ObjectOptionName } from '@longhaul/protocol';
import type { CoordinatorSettings } from '../coordinator-settings.ts';
import type { EnvReader } from './env-reader.ts';

/** Variables of what uploads may ask of the store, and what they mean, for `--help`. */
export const POLICY_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  [
    'LONGHAUL_ENCRYPTION_MODES',
    'encryption that uploads may ask for: sse-s3, sse-kms, sse-c, separated by commas; default what the store has',
  ],
  ['LONGHAUL_ENCRYPTION_REQUIRED', 'true or false: refuse uploads that ask for none; default false'],
  [
    'LONGHAUL_ENCRYPTION_DEFAULT',
    'sse-s3 or sse-kms, for uploads that ask for none; default what the bucket does by itself',
  ],
  [
    'LONGHAUL_ENCRYPTION_KMS_KEYS',
    'KMS keys that uploads may name, as they write them, separated by commas; * for any; default none',
  ],
  ['LONGHAUL_ENCRYPTION_KMS_DEFAULT_KEY', 'KMS key of sse-kms without one; default that of the store'],
  [
    'LONGHAUL_OBJECT_OPTIONS',
    `what uploads may ask for: ${OBJECT_OPTION_NAMES.join(', ')}; default the three headers of downloads`,
  ],
  ['LONGHAUL_STORAGE_CLASSES', 'storage classes that they may ask for, separated by commas; default all'],
];

/** Members of the settings by the variables that set them, for messages. */
export const POLICY_SETTINGS: readonly (readonly [setting: string, variable: string])[] = [
  ['encryption.modes', 'LONGHAUL_ENCRYPTION_MODES'],
  ['encryption.isRequired', 'LONGHAUL_ENCRYPTION_REQUIRED'],
  ['encryption.defaultMode', 'LONGHAUL_ENCRYPTION_DEFAULT'],
  ['objectOptions.allowed', 'LONGHAUL_OBJECT_OPTIONS'],
];

/** Reads what uploads may ask of the store. What is wrong in it the settings themselves say. */
export function readPolicies(
  reader: EnvReader,
): Partial<Pick<CoordinatorSettings, 'encryption' | 'objectOptions'>> {
  const encryption = readEncryptionPolicy(reader);
  const allowed = reader.list('LONGHAUL_OBJECT_OPTIONS') as readonly ObjectOptionName[] | undefined;
  const storageClasses = reader.list('LONGHAUL_STORAGE_CLASSES');
  const objectOptions = { ...(allowed && { allowed }), ...(storageClasses && { storageClasses }) };
  return {
    ...(Object.keys(encryption).length > 0 && { encryption }),
    ...(Object.keys(objectOptions).length > 0 && { objectOptions }),
  };
}

function readEncryptionPolicy(reader: EnvReader): CoordinatorSettings['encryption'] {
  const modes = reader.list('LONGHAUL_ENCRYPTION_MODES') as readonly EncryptionMode[] | undefined;
  const isRequired = reader.boolean('LONGHAUL_ENCRYPTION_REQUIRED', false);
  const defaultMode = reader.text('LONGHAUL_ENCRYPTION_DEFAULT') as 'sse-s3' | 'sse-kms' | undefined;
  const kmsKeyIds = reader.list('LONGHAUL_ENCRYPTION_KMS_KEYS');
  const defaultKmsKeyId = reader.text('LONGHAUL_ENCRYPTION_KMS_DEFAULT_KEY');
  return {
    ...(modes && { modes }),
    ...(isRequired && { isRequired }),
    ...(defaultMode && { defaultMode }),
    ...(kmsKeyIds && { kmsKeyIds }),
    ...(defaultKmsKeyId !== undefined && { defaultKmsKeyId }),
  };
}
