import { randomBytes, randomUUID } from 'node:crypto';
import { CreateKeyCommand, KMSClient, RotateKeyOnDemandCommand } from '@aws-sdk/client-kms';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, describe, expect, it } from 'vitest';
import { createKmsSealer, fetchMasterKeys } from '../../src/aws-keys.ts';
import { type KeySealer, Secret } from '../../src/key-vault.ts';
import { describeKeyVault } from '../../src/lib/testing/key-vault.contract.ts';
import { sqliteStorage } from './storages.ts';

const endpoint = process.env['LONGHAUL_TEST_AWS_URL'] ?? '';
const where = {
  endpoint,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

describe.skipIf(!endpoint)('AWS (needs LONGHAUL_TEST_AWS_URL)', () => {
  const kms = new KMSClient(where);
  const secrets = new SecretsManagerClient(where);
  afterAll(() => {
    kms.destroy();
    secrets.destroy();
  });

  async function makeSealer(): Promise<{ readonly keyId: string; readonly sealer: KeySealer }> {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const keyId = KeyMetadata?.KeyId ?? '';
    return { keyId, sealer: createKmsSealer({ client: kms, keyId }) };
  }

  describeKeyVault('AWS KMS in SQLite', async () => {
    const { keyId, sealer } = await makeSealer();
    return {
      sealer,
      strangerSealer: (await makeSealer()).sealer,
      async rotate() {
        await kms.send(new RotateKeyOnDemandCommand({ KeyId: keyId }));
        return sealer;
      },
      ...(await sqliteStorage()),
    };
  });

  it('tells a key that is not there from a KMS that is away', async () => {
    const keyId = randomUUID();
    const sealer = createKmsSealer({ client: kms, keyId });
    const plain = new Secret(new Uint8Array(32));
    await expect(sealer.seal('an-upload', plain)).rejects.toMatchObject({ kind: 'refused' });
    const away = new KMSClient({ ...where, endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    const lost = createKmsSealer({ client: away, keyId });
    await expect(lost.seal('an-upload', plain)).rejects.toMatchObject({ kind: 'unreachable' });
    away.destroy();
  });

  it('takes master keys from Secrets Manager', async () => {
    const secretId = `longhaul/${randomUUID()}`;
    const key = randomBytes(32);
    const SecretString = `2026-11:${key.toString('base64')}`;
    await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString }));
    const [first, ...others] = await fetchMasterKeys({ client: secrets, secretId });
    expect(others).toEqual([]);
    expect(first?.id).toBe('2026-11');
    expect(first?.key.reveal()).toStrictEqual(new Uint8Array(key));
    await expect(fetchMasterKeys({ client: secrets, secretId: 'nothing' })).rejects.toThrow(
      'The secret nothing of Secrets Manager: ResourceNotFoundException',
    );
  });
});
