export { createKeyVault, type KeyVaultOptions } from './lib/create-key-vault.ts';
export { createEnvelopeSealer, type EnvelopeSealerOptions } from './lib/adapters/envelope/envelope-sealer.ts';
export { type MasterKey, readMasterKeys } from './lib/adapters/master-keys.ts';
export { createTransitSealer, type TransitSealerOptions } from './lib/adapters/transit/transit-sealer.ts';
export * from './lib/ports/key-vault.ts';
export { Secret } from './lib/secret.ts';
