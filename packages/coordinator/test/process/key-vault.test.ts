import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../src/key-vault.ts';
import { ConfigError, readConfig, type ServeConfig } from '../../src/lib/process/config.ts';
import { wire } from '../../src/lib/process/wire.ts';

const masterKey = `2026-11:${randomBytes(32).toString('base64')}`;
const USE = { owner: 'an owner', purpose: 'create' } as const;

function configOf(env: Record<string, string>): ServeConfig {
  return readConfig({ S3_BUCKET: 'uploads', ...env });
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    configOf(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('configuration of the key vault', () => {
  it('has none by default', () => {
    expect(configOf({}).keyVault).toBeUndefined();
  });

  it('shows no secret of it', () => {
    const envelope = configOf({ LONGHAUL_KEY_VAULT: 'envelope', LONGHAUL_MASTER_KEYS: masterKey });
    const transit = configOf({
      LONGHAUL_KEY_VAULT: 'transit',
      LONGHAUL_TRANSIT_URL: 'https://vault:8200',
      LONGHAUL_TRANSIT_KEY: 'longhaul',
      LONGHAUL_TRANSIT_TOKEN: 'a-token-5up3r',
    });
    const shown =
      inspect([envelope, transit], { depth: null, showHidden: true }) + JSON.stringify([envelope, transit]);
    expect(shown).not.toContain(masterKey);
    expect(shown).not.toContain('a-token-5up3r');
  });

  it.each([
    [{ LONGHAUL_MASTER_KEYS: masterKey }, 'LONGHAUL_KEY_VAULT is required with LONGHAUL_MASTER_KEYS'],
    [
      { LONGHAUL_KEY_VAULT: 'safe' },
      'LONGHAUL_KEY_VAULT must be one of envelope, aws-kms, transit, got "safe"',
    ],
    [{ LONGHAUL_KEY_VAULT: 'envelope' }, 'needs one of LONGHAUL_MASTER_KEYS, LONGHAUL_MASTER_KEYS_FILE'],
    [
      { LONGHAUL_KEY_VAULT: 'envelope', LONGHAUL_MASTER_KEYS: masterKey, LONGHAUL_MASTER_KEYS_FILE: '/keys' },
      'needs one of LONGHAUL_MASTER_KEYS, LONGHAUL_MASTER_KEYS_FILE',
    ],
    [{ LONGHAUL_KEY_VAULT: 'aws-kms' }, 'LONGHAUL_KMS_KEY_ID is required with LONGHAUL_KEY_VAULT=aws-kms'],
    [
      { LONGHAUL_KEY_VAULT: 'aws-kms', LONGHAUL_KMS_KEY_ID: 'alias/a', LONGHAUL_TRANSIT_KEY: 'a' },
      'LONGHAUL_KEY_VAULT=aws-kms has no use for LONGHAUL_TRANSIT_KEY',
    ],
    [{ LONGHAUL_KEY_VAULT: 'transit' }, 'LONGHAUL_TRANSIT_URL is required with LONGHAUL_KEY_VAULT=transit'],
    [
      { LONGHAUL_KEY_VAULT: 'transit', LONGHAUL_TRANSIT_URL: 'http://vault.example.com' },
      'LONGHAUL_TRANSIT_URL must begin with https://',
    ],
    [
      { LONGHAUL_KEY_VAULT: 'transit' },
      'needs one of LONGHAUL_TRANSIT_TOKEN and LONGHAUL_TRANSIT_TOKEN_FILE',
    ],
    [
      { LONGHAUL_KEY_VAULT: 'aws-kms', LONGHAUL_KMS_KEY_ID: 'a', LONGHAUL_KEY_VAULT_TTL_SECONDS: '3601' },
      'LONGHAUL_KEY_VAULT_TTL_SECONDS must be a whole number from 60 to 3600',
    ],
  ])('refuses %o', (env, problem) => {
    const problems = problemsOf(env);
    expect(
      problems.some((each) => each.includes(problem)),
      problems.join('\n'),
    ).toBe(true);
    expect(problems.join('\n')).not.toContain(masterKey);
  });
});

describe('wired key vault', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-vault-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const withSqlite = (env: Record<string, string>): ServeConfig =>
    configOf({
      LONGHAUL_SQLITE_FILE: join(folder, 'longhaul.sqlite'),
      LONGHAUL_KEY_VAULT: 'envelope',
      ...env,
    });

  it('keeps a key in the file of the uploads, and writes its audit to stdout', async () => {
    const path = join(folder, 'master-keys');
    await writeFile(path, `${masterKey}\n`);
    const wiring = await wire(withSqlite({ LONGHAUL_MASTER_KEYS_FILE: path }));
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await wiring.options.catalog.migrate();
      const { keyVault } = wiring.options;
      const uploadId = randomUUID();
      const key = new Secret(new Uint8Array(randomBytes(32)));
      await keyVault?.put(uploadId, key, USE);
      expect((await keyVault?.get(uploadId, USE))?.reveal()).toStrictEqual(key.reveal());
      const lines = stdout.mock.calls.map(([line]) => JSON.parse(String(line)) as object);
      expect(lines).toMatchObject([
        {
          audit: 'customer-key',
          deed: 'put',
          uploadId,
          owner: 'an owner',
          outcome: 'done',
          sealer: 'envelope',
        },
        { audit: 'customer-key', deed: 'get', uploadId, purpose: 'create', outcome: 'done' },
      ]);
    } finally {
      stdout.mockRestore();
      await wiring.close();
    }
  });

  it('names the variable whose master keys are wrong, and not the keys', async () => {
    const wrong = `2026-11:${randomBytes(31).toString('base64')}`;
    const wired = wire(withSqlite({ LONGHAUL_MASTER_KEYS: wrong }));
    await expect(wired).rejects.toThrow('LONGHAUL_MASTER_KEYS: master key 1 of 1 must be');
    await expect(wired).rejects.not.toThrow(wrong);
    const missing = wire(withSqlite({ LONGHAUL_MASTER_KEYS_FILE: join(folder, 'nothing') }));
    await expect(missing).rejects.toThrow(/LONGHAUL_MASTER_KEYS_FILE=.*nothing cannot be read/);
  });
});
