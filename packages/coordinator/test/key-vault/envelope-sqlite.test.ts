import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createEnvelopeSealer,
  createKeyVault,
  readMasterKeys,
  Secret,
  type SealedKeyStore,
} from '../../src/key-vault.ts';
import { describeKeyVault } from '../../src/lib/testing/key-vault.contract.ts';
import { envelopeSealers } from './envelope-fixture.ts';
import { sqliteStorage } from './storages.ts';

describeKeyVault('envelope in SQLite', async () => ({ ...envelopeSealers(), ...(await sqliteStorage()) }));

const text = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

describe('envelope', () => {
  it('names the master keys that it has when it has not the right one', async () => {
    const key = new Secret(new Uint8Array(randomBytes(32)));
    const old = createEnvelopeSealer({ masterKeys: readMasterKeys(text('2025-01')) });
    const sealed = await old.seal('an-upload', key);
    const sealer = createEnvelopeSealer({
      masterKeys: readMasterKeys(`${text('2026-11')},${text('2026-05')}`),
    });
    await expect(sealer.open('an-upload', sealed)).rejects.toThrow(
      'made by the master key "2025-01", which is not among 2026-11, 2026-05',
    );
  });

  it('wants master keys, each with an id of its own', () => {
    expect(() => createEnvelopeSealer({ masterKeys: [] })).toThrow('at least one key');
    const twice = readMasterKeys(`${text('a')} ${text('a')}`);
    expect(() => createEnvelopeSealer({ masterKeys: twice })).toThrow('ids of their own');
  });
});

describe('readMasterKeys', () => {
  it('reads keys by line, by comma and by space', () => {
    const keys = readMasterKeys(`\n${text('a')}\n${text('b')}, ${text('c')} `);
    expect(keys.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(keys.map(({ key }) => key.reveal().byteLength)).toEqual([32, 32, 32]);
  });

  it.each(['no-colon', 'a:c2hvcnQ=', 'ä:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'a b:AAAA'])(
    'refuses %s without repeating it',
    (entry) => {
      const whole = `${text('good')} ${entry}`;
      expect(() => readMasterKeys(whole)).toThrow(/^master key 2 of \d must be an id/);
      expect(() => readMasterKeys(whole)).not.toThrow(entry);
    },
  );
});

describe('createKeyVault', () => {
  const { sealer } = envelopeSealers();
  const storage: SealedKeyStore = {
    write: () => Promise.resolve(),
    read: () => Promise.reject(new Error('away')),
    remove: () => Promise.resolve(),
  };

  it.each([0, 3601, 1.5, Number.NaN])('keeps no key for %s seconds', (ttlSeconds) => {
    expect(() => createKeyVault({ sealer, storage, ttlSeconds })).toThrow('from 1 to 3600');
  });

  it('lets no key be used without its audit', async () => {
    const onAudit = (): void => {
      throw new Error('the audit is full');
    };
    const vault = createKeyVault({ sealer, storage, onAudit });
    const use = { owner: 'an owner', purpose: 'create' } as const;
    await expect(vault.put(randomUUID(), new Secret(new Uint8Array(32)), use)).rejects.toThrow(
      'audit is full',
    );
  });
});
