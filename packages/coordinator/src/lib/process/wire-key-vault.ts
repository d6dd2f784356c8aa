import { type MasterKey, readMasterKeys } from '../adapters/master-keys.ts';
import { createKeyVault } from '../create-key-vault.ts';
import type { KeyAuditEvent, KeySealer, KeyVault, SealedKeyStore } from '../ports/key-vault.ts';
import { Secret } from '../secret.ts';
import { ConfigError } from './config.ts';
import { readNamedFile } from './file-problem.ts';
import type { KeyVaultConfig, MasterKeySource, TokenSource } from './key-vault-config.ts';
import { loadDriver } from './load-driver.ts';

/** The sealer first: a configuration that is wrong in it is told before anything is connected. */
export async function wireKeySealer(config: KeyVaultConfig, region: string): Promise<KeySealer> {
  switch (config.kind) {
    case 'envelope': {
      const { createEnvelopeSealer } = await import('../adapters/envelope/envelope-sealer.ts');
      const { variable, keys } = await masterKeysOf(config.masterKeys, region);
      return orConfigError(variable, () => createEnvelopeSealer({ masterKeys: keys }));
    }
    case 'aws-kms': {
      // Before the adapter, which imports it too and would fail with less to say.
      const { KMSClient } = await loadDriver(
        '@aws-sdk/client-kms',
        'LONGHAUL_KEY_VAULT',
        () => import('@aws-sdk/client-kms'),
      );
      const { createKmsSealer } = await import('../adapters/aws/kms-sealer.ts');
      return createKmsSealer({ client: new KMSClient({ region }), keyId: config.keyId });
    }
    case 'transit': {
      const { createTransitSealer } = await import('../adapters/transit/transit-sealer.ts');
      const { url, key, mount, namespace, token } = config;
      // Read again at each use, because tokens are renewed; what is wrong with it now is told now.
      await tokenOf(token);
      return createTransitSealer({
        url,
        key,
        token: () => tokenOf(token),
        ...(mount !== undefined && { mount }),
        ...(namespace !== undefined && { namespace }),
      });
    }
  }
}

/** A vault whose audit goes to stdout, a line for each use of a key. */
export function wireKeyVault(
  { ttlSeconds }: KeyVaultConfig,
  sealer: KeySealer,
  storage: SealedKeyStore,
): KeyVault {
  return createKeyVault({ sealer, storage, ttlSeconds, onAudit: writeAudit });
}

function writeAudit({ atEpochMs, ...event }: KeyAuditEvent): void {
  const line = { time: new Date(atEpochMs).toISOString(), audit: 'customer-key', ...event };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function masterKeysOf(
  source: MasterKeySource,
  region: string,
): Promise<{ readonly variable: string; readonly keys: readonly MasterKey[] }> {
  switch (source.kind) {
    case 'text': {
      const variable = 'LONGHAUL_MASTER_KEYS';
      return { variable, keys: orConfigError(variable, () => readMasterKeys(source.text.reveal())) };
    }
    case 'file': {
      const variable = `LONGHAUL_MASTER_KEYS_FILE=${source.path}`;
      const text = await readNamedFile('LONGHAUL_MASTER_KEYS_FILE', source.path);
      return { variable, keys: orConfigError(variable, () => readMasterKeys(text)) };
    }
    case 'aws-secret': {
      const variable = `LONGHAUL_MASTER_KEYS_SECRET=${source.secretId}`;
      const { SecretsManagerClient } = await loadDriver(
        '@aws-sdk/client-secrets-manager',
        'LONGHAUL_MASTER_KEYS_SECRET',
        () => import('@aws-sdk/client-secrets-manager'),
      );
      const { fetchMasterKeys } = await import('../adapters/aws/master-key-secret.ts');
      const client = new SecretsManagerClient({ region });
      const fetched = fetchMasterKeys({ client, secretId: source.secretId });
      const keys = await fetched
        .catch((error: unknown) => fail(variable, error))
        .finally(() => client.destroy());
      return { variable, keys };
    }
  }
}

async function tokenOf(source: TokenSource): Promise<Secret> {
  if (source.kind === 'text') return source.token;
  return new Secret((await readNamedFile('LONGHAUL_TRANSIT_TOKEN_FILE', source.path)).trim());
}

function orConfigError<Result>(variable: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return fail(variable, error);
  }
}

function fail(variable: string, error: unknown): never {
  throw new ConfigError([`${variable}: ${error instanceof Error ? error.message : String(error)}`]);
}
