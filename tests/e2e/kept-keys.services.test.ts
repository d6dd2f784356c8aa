/** Uploads with SSE-C to a store that takes no key that was not signed, so that the key waits in a vault. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKmsSealer } from '@longhaul/coordinator/aws-keys';
import {
  createEnvelopeSealer,
  createKeyVault,
  createTransitSealer,
  type KeyAuditEvent,
  type KeySealer,
  type KeyVault,
  readMasterKeys,
  Secret,
  type SealedKeyStore,
} from '@longhaul/coordinator/key-vault';
import { createRedisSealedKeys } from '@longhaul/coordinator/redis';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createUploader } from '@longhaul/sdk';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { MINIO, type StoreKind } from './support/stores.ts';

const MIB = 1024 ** 2;
const {
  LONGHAUL_TEST_REDIS_URL: redisUrl = '',
  LONGHAUL_TEST_OPENBAO_URL: baoUrl = '',
  LONGHAUL_TEST_OPENBAO_TOKEN: baoToken = '',
  LONGHAUL_TEST_AWS_URL: awsUrl = '',
} = process.env;

/** MinIO, taken for a store that does not do without the key. */
const store: StoreKind = {
  ...MINIO,
  async open(publish) {
    const opened = await MINIO.open(publish);
    const { objectStore } = opened;
    return {
      ...opened,
      objectStore: { ...objectStore, profile: { ...objectStore.profile, ssecBlind: false } },
    };
  },
};

interface Kept {
  readonly storage: SealedKeyStore;
  /** Everything that is stored of an upload's key. */
  dump(uploadId: string): Promise<string>;
  close(): Promise<void>;
}

async function inSqlite(): Promise<Kept> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-keys-'));
  const path = join(folder, 'keys.sqlite');
  const { catalog, sealedKeys } = createSqliteStore({ path });
  await catalog.migrate();
  return {
    storage: sealedKeys,
    dump: async () => (await readFile(path, 'latin1')) + (await readFile(`${path}-wal`, 'latin1')),
    async close() {
      await catalog.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function inRedis(): Promise<Kept> {
  const redis = new Redis(redisUrl);
  return {
    storage: createRedisSealedKeys({ redis }),
    async dump(uploadId) {
      const keys = await redis.keys(`*${uploadId}*`);
      const texts = await Promise.all(keys.map(async (key) => `${key} ${await redis.get(key)}`));
      return texts.join('\n');
    },
    close: async () => void (await redis.quit()),
  };
}

async function byKms(): Promise<KeySealer> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new KMSClient({ endpoint: awsUrl, region: 'eu-west-1', credentials });
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  return createKmsSealer({ client, keyId: KeyMetadata?.KeyId ?? '' });
}

async function byTransit(): Promise<KeySealer> {
  const key = `e2e-${randomUUID()}`;
  const headers = { 'x-vault-token': baoToken };
  await fetch(`${baoUrl}/v1/transit/keys/${key}`, { method: 'POST', headers, body: '{}' });
  return createTransitSealer({ url: baoUrl, key, token: () => new Secret<string>(baoToken) });
}

async function byEnvelope(): Promise<KeySealer> {
  return createEnvelopeSealer({ masterKeys: readMasterKeys(`e2e:${randomBytes(32).toString('base64')}`) });
}

const VAULTS = [
  { name: 'envelope in SQLite', missing: '', seal: byEnvelope, keep: inSqlite },
  {
    name: 'transit of OpenBao in Redis',
    missing: baoUrl && redisUrl ? '' : 'needs LONGHAUL_TEST_OPENBAO_URL and LONGHAUL_TEST_REDIS_URL',
    seal: byTransit,
    keep: inRedis,
  },
  {
    name: 'AWS KMS in SQLite',
    missing: awsUrl ? '' : 'needs LONGHAUL_TEST_AWS_URL',
    seal: byKms,
    keep: inSqlite,
  },
];

for (const { name, missing, seal, keep } of VAULTS) {
  const lack = [store.missing, missing].filter(Boolean).join(', ');

  describe.skipIf(lack !== '')(`keys kept by ${name}, objects in MinIO${lack && ` (${lack})`}`, () => {
    const key = randomBytes(32);
    const base64 = key.toString('base64');
    const encryption = { mode: 'sse-c', key, entrustKey: true } as const;
    const audit: KeyAuditEvent[] = [];
    let backend: Backend;
    let folder: string;
    let kept: Kept;
    let keyVault: KeyVault;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
      kept = await keep();
      const onAudit = (event: KeyAuditEvent): void => void audit.push(event);
      keyVault = createKeyVault({ sealer: await seal(), storage: kept.storage, onAudit });
      backend = await startBackend(store, MEMORIES[0]!, { keyVault });
    });
    afterAll(async () => {
      await backend.close();
      await kept.close();
      await rm(folder, { recursive: true });
    });

    const uploader = (options = {}) =>
      createUploader({ coordinator: backend.url, partSizeBytes: 5 * MIB, ...options });
    const file = async (fileName: string, sizeBytes: number): Promise<string> => {
      const path = join(folder, fileName);
      await writeRandomFile(path, sizeBytes);
      return path;
    };

    it.each([
      ['in parts', 12 * MIB],
      ['in one PUT', 300_000],
    ])('%s: read back with the key, with no other, and the key is gone', async (how, sizeBytes) => {
      const path = await file(how, sizeBytes);
      const result = await uploader().upload(path, { encryption }).result;
      expect(result).toMatchObject({ sizeBytes, encryption: { mode: 'sse-c' } });
      expect(await backend.store.hashOf(result.key, base64)).toBe(await hashOfFile(path));
      for (const wrong of [undefined, randomBytes(32).toString('base64')])
        await expect(backend.store.hashOf(result.key, wrong)).rejects.toThrow();
      expect(await kept.storage.read(result.uploadId, 60)).toBeUndefined();
      expect(audit.filter(({ uploadId }) => uploadId === result.uploadId).at(-1)).toMatchObject({
        deed: 'delete',
        outcome: 'done',
      });
    });

    it('brings a key back that was forgotten on the way, and keeps none that can be read', async () => {
      const path = await file('forgotten', 40 * MIB);
      const upload = uploader({ concurrency: 1 }).upload(path, { encryption });
      let isForgotten = false;
      const dumps: string[] = [];
      upload.on('part', ({ isStored }) => {
        const { uploadId } = upload;
        if (!isStored || isForgotten || uploadId === undefined) return;
        isForgotten = true;
        void kept.dump(uploadId).then(async (dump) => {
          dumps.push(dump);
          await kept.storage.remove(uploadId);
        });
      });
      const result = await upload.result;
      expect(await backend.store.hashOf(result.key, base64)).toBe(await hashOfFile(path));
      const deeds = audit.filter(({ uploadId }) => uploadId === result.uploadId);
      expect(deeds.filter(({ deed }) => deed === 'put').length).toBeGreaterThanOrEqual(2);
      expect(deeds.some(({ outcome }) => outcome === 'absent')).toBe(true);
      expect(dumps[0]).toContain(result.uploadId);
      for (const form of [base64, key.toString('hex'), key.toString('latin1'), key.toString('base64url')])
        expect(dumps[0]).not.toContain(form);
      expect(JSON.stringify(audit)).not.toContain(base64);
    });

    it('gives no key to a coordinator that its caller does not trust with it', async () => {
      audit.length = 0;
      const path = await file('not entrusted', 6 * MIB);
      const upload = uploader().upload(path, { encryption: { mode: 'sse-c', key } });
      await expect(upload.result).rejects.toMatchObject({
        code: 'KEY_UNUSABLE',
        message: expect.stringContaining('encryption.entrustKey'),
      });
      expect(audit).toEqual([]);
    });
  });
}
