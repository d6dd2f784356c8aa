import { randomBytes } from 'node:crypto';
import { createEnvelopeSealer, type MasterKey, Secret } from '../../src/key-vault.ts';
import type { KeyVaultFixture } from '../../src/lib/testing/key-vault.contract.ts';

/** The sealers of a fixture with master keys of this process. The stranger's key has the same name. */
export function envelopeSealers(): Pick<KeyVaultFixture, 'sealer' | 'strangerSealer' | 'rotate'> {
  const first = masterKey('first');
  return {
    sealer: createEnvelopeSealer({ masterKeys: [first] }),
    strangerSealer: createEnvelopeSealer({ masterKeys: [masterKey('first')] }),
    rotate: async () => createEnvelopeSealer({ masterKeys: [masterKey('second'), first] }),
  };
}

function masterKey(id: string): MasterKey {
  return { id, key: new Secret(new Uint8Array(randomBytes(32))) };
}
