import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { KeyVaultError } from '../../ports/key-vault.ts';
import { type MasterKey, readMasterKeys } from '../master-keys.ts';

/** Options of {@link fetchMasterKeys}. */
export interface MasterKeySecretOptions {
  /** Its credentials need `secretsmanager:GetSecretValue` on the secret. */
  readonly client: SecretsManagerClient;
  /** Name or ARN. Its text holds the keys as `readMasterKeys` wants them. */
  readonly secretId: string;
}

/**
 * Master keys out of AWS Secrets Manager, read once: a rotated secret is seen with the next start.
 *
 * @throws KeyVaultError when the secret cannot be had
 * @throws TypeError when it does not hold keys
 * @example
 * const masterKeys = await fetchMasterKeys({ client: new SecretsManagerClient({}), secretId: 'longhaul/master-keys' });
 */
export async function fetchMasterKeys(options: MasterKeySecretOptions): Promise<readonly MasterKey[]> {
  const { client, secretId } = options;
  const text = await client.send(new GetSecretValueCommand({ SecretId: secretId })).then(
    ({ SecretString }) => SecretString ?? '',
    (cause: unknown) => {
      const reason = cause instanceof Error ? cause.name : 'no answer';
      throw new KeyVaultError('unreachable', `The secret ${secretId} of Secrets Manager: ${reason}`, {
        cause,
      });
    },
  );
  return readMasterKeys(text);
}
