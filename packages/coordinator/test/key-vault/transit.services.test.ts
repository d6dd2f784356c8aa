import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTransitSealer, type KeySealer, Secret } from '../../src/key-vault.ts';
import { describeKeyVault } from '../../src/lib/testing/key-vault.contract.ts';
import { sqliteStorage } from './storages.ts';

const { LONGHAUL_TEST_OPENBAO_URL: url = '', LONGHAUL_TEST_OPENBAO_TOKEN: rootToken = '' } = process.env;

/** Asks the server as its root may. */
async function ask(path: string, body: object): Promise<{ auth?: { client_token: string } }> {
  const response = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { 'x-vault-token': rootToken },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? {} : ((await response.json()) as { auth?: { client_token: string } });
}

/** A transit key, and a token that may do what docs/key-vaults.md says and nothing else. */
async function makeKey(): Promise<{ readonly key: string; readonly token: Secret }> {
  const key = `longhaul-${randomUUID()}`;
  await ask(`transit/keys/${key}`, { type: 'aes256-gcm96' });
  const rules = ['encrypt', 'decrypt'].map(
    (deed) => `path "transit/${deed}/${key}" { capabilities = ["update"] }`,
  );
  await ask(`sys/policies/acl/${key}`, { policy: rules.join('\n') });
  const { auth } = await ask('auth/token/create', { policies: [key], no_default_policy: true });
  return { key, token: new Secret(auth?.client_token ?? '') };
}

async function makeSealer(): Promise<{ readonly key: string; readonly sealer: KeySealer }> {
  const { key, token } = await makeKey();
  return { key, sealer: createTransitSealer({ url, key, token: () => token }) };
}

describe.skipIf(!url)('OpenBao (needs LONGHAUL_TEST_OPENBAO_URL)', () => {
  describeKeyVault('transit of OpenBao in SQLite', async () => {
    const { key, sealer } = await makeSealer();
    return {
      sealer,
      strangerSealer: (await makeSealer()).sealer,
      async rotate() {
        await ask(`transit/keys/${key}/rotate`, {});
        return sealer;
      },
      ...(await sqliteStorage()),
    };
  });

  it('says what is wrong with its rights, and nothing of its token', async () => {
    const { token } = await makeKey();
    const { key } = await makeKey();
    const sealer = createTransitSealer({ url, key, token: () => token });
    const failure = await sealer
      .seal('an-upload', new Secret(new Uint8Array(32)))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'KeyVaultError', kind: 'refused' });
    expect(String(failure)).toContain('answered 403');
    expect(String(failure)).not.toContain(token.reveal());
  });
});
