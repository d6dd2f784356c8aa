export { createKmsSealer, type KmsSealerOptions } from './lib/adapters/aws/kms-sealer.ts';
export { fetchMasterKeys, type MasterKeySecretOptions } from './lib/adapters/aws/master-key-secret.ts';
