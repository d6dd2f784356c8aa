import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetBucketCorsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCoordinator, ObjectStoreError } from '../../../src/index.ts';
import { FINDING_IDS } from '../../../src/lib/process/doctor/finding.ts';
import { STORE_PROFILE_NAMES } from '../../../src/lib/ports/store-profile.ts';
import { runCli } from '../../../src/lib/process/run-cli.ts';
import { createS3ObjectStore, storeProfiles } from '../../../src/s3-object-store.ts';
import { createSqliteStore } from '../../../src/sqlite.ts';
import {
  errorAnswer,
  openPretendingStore,
  type Pretence,
  type PretendingStore,
  xmlAnswer,
} from './pretending-store.ts';
import { contentOf, documentIn, environmentOf, runDoctor, troubles, withFolder } from './run-doctor.ts';

let opened: PretendingStore | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(...args: Parameters<typeof openPretendingStore>): Promise<PretendingStore> {
  opened = await openPretendingStore(...args);
  return opened;
}

function clientOf({ endpoint, ...credentials }: PretendingStore): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
}

/** Looks at the bucket of a store that pretends, and sees to it that nothing stays there. */
async function lookAt(
  pretend: Pretence,
  { profile, args = [] }: { readonly profile?: string; readonly args?: readonly string[] } = {},
): Promise<Awaited<ReturnType<typeof runDoctor>>> {
  const store = await open(pretend);
  const env = { ...environmentOf(store, 'uploads'), ...(profile && { S3_PROFILE: profile }) };
  return await runDoctor(store, env, ...args);
}

function isPut({ method }: Request, url: URL): boolean {
  return method === 'PUT' && !url.searchParams.has('uploadId');
}

const SSEC = 'x-amz-server-side-encryption-customer-algorithm';

describe('longhaul-coordinator doctor', () => {
  it('is content with a bucket that is right, and leaves nothing behind', async () => {
    const store = await open();
    const client = clientOf(store);
    const before = await contentOf(client, 'uploads');
    const run = await runDoctor(store, environmentOf(store, 'uploads'), '--origin', 'https://app.example');
    expect([run.status, troubles(run)]).toEqual([0, []]);
    expect(await contentOf(client, 'uploads')).toEqual(before);
    expect(run.findings.filter(({ level }) => level === 'good').map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        'access',
        'rights',
        'cors',
        'versioning',
        'encryption',
        'behaviour',
        'leftovers',
        'sqlite',
      ]),
    );
  });

  it('says for people what is wrong, why it matters and what mends it', async () => {
    const store = await open();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'nobody');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-secret');
    let text = '';
    const status = await runCli(['doctor'], {
      env: environmentOf(store, 'uploads'),
      say: (line) => (text += `${line}\n`),
      note: (line) => (text += line),
      report: (error) => (text += String(error)),
    });
    vi.unstubAllEnvs();
    expect(status).toBe(1);
    expect(text).toMatch(/ERROR {3}credentials-unknown: .+\n +why: .+\n +fix: correct AWS_ACCESS_KEY_ID/);
    expect(text).toContain('1 error, 0 warnings');
    expect(text).not.toContain('canary-secret');
  });

  describe('finds', () => {
    it('a clock that is wrong', async () => {
      const store = await open(undefined, { now: () => Date.now() + 20 * 60_000 });
      const run = await runDoctor(store, environmentOf(store, 'uploads'));
      expect(run.finding('clock-skew')).toMatchObject({
        level: 'error',
        what: expect.stringMatching(/(19 min 59 s|20 min).* behind the store's/),
        fix: expect.stringContaining('set-ntp'),
      });
    });

    it('a region that is another one', async () => {
      const store = await open(undefined, { region: 'eu-west-1' });
      const run = await runDoctor(store, environmentOf(store, 'uploads'));
      expect(run.finding('region-wrong')).toMatchObject({ level: 'error', fix: 'S3_REGION=eu-west-1' });
    });

    it('temporary credentials that are over', async () => {
      const run = await lookAt(() => errorAnswer(400, 'ExpiredToken'));
      expect(run.finding('credentials-expired').fix).toContain('renew');
    });

    it('that there are no credentials', async () => {
      const store = await open();
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
      const run = await runDoctor({ accessKeyId: '', secretAccessKey: '' }, environmentOf(store, 'uploads'));
      expect(run.finding('credentials-missing').fix).toContain('AWS_ACCESS_KEY_ID');
    });

    it('an address where no S3 is', async () => {
      const run = await lookAt(
        () => new Response('<html>console</html>', { headers: { 'content-type': 'text/html' } }),
      );
      expect(run.finding('not-s3')).toMatchObject({ level: 'error', fix: /the port of the S3 API/ });
    });

    it('an address where nobody is', async () => {
      const store = await open();
      const env = { ...environmentOf(store, 'uploads'), S3_ENDPOINT: 'http://127.0.0.1:1' };
      expect((await runDoctor(store, env)).finding('store-unreachable').what).toMatch(
        /ECONNREFUSED|bad port/,
      );
    });

    it('an address for clients that is unsafe, mixed, or reaches nobody', async () => {
      const store = await open();
      const env = { ...environmentOf(store, 'uploads'), S3_PUBLIC_ENDPOINT: 'http://store.invalid' };
      const run = await runDoctor(store, env, '--origin', 'https://app.example');
      expect(run.finding('tls-missing').fix).toContain('https://');
      expect(run.finding('mixed-content').level).toBe('error');
      expect(run.finding('public-endpoint-unreachable').fix).toContain('S3_PUBLIC_ENDPOINT');
    });

    it('an address for clients that only this machine has', async () => {
      const store = await open();
      const env = {
        ...environmentOf(store, 'uploads'),
        LONGHAUL_HOST: '0.0.0.0',
        LONGHAUL_AUTHORIZE_MODULE: './authorize.js',
      };
      expect((await runDoctor(store, env)).finding('public-endpoint-local').fix).toContain(
        'S3_PUBLIC_ENDPOINT',
      );
    });

    it.each<[string, Pretence]>([
      ['s3:ListBucket', ({ method }, url) => deny(method === 'GET' && url.searchParams.has('list-type'))],
      [
        's3:ListBucketMultipartUploads',
        ({ method }, url) => deny(method === 'GET' && url.searchParams.has('uploads')),
      ],
      [
        's3:DeleteObject',
        ({ method }, url) => deny(method === 'DELETE' && !url.searchParams.has('uploadId')),
      ],
      [
        's3:AbortMultipartUpload',
        ({ method }, url) => deny(method === 'DELETE' && url.searchParams.has('uploadId')),
      ],
      ['s3:PutObject', ({ method }) => deny(method === 'PUT' || method === 'POST')],
      [
        's3:ListMultipartUploadParts',
        ({ method }, url) => deny(method === 'GET' && url.searchParams.has('uploadId')),
      ],
      ['s3:GetObject', ({ method }) => deny(method === 'HEAD')],
    ])('that the right %s is missing', async (action, pretend) => {
      const run = await lookAt(pretend);
      const missing = run.findings.filter(
        ({ id, what }) => id === 'right-missing' && what.includes(`do ${action} on`),
      );
      expect(missing).toMatchObject([{ level: 'error', fix: expect.stringContaining('put-role-policy') }]);
      const { Statement } = documentIn(missing[0]?.fix) as { Statement: { Action: string[] }[] };
      expect(Statement.flatMap(({ Action }) => Action)).toContain(action);
    });

    it('that a list is allowed for a prefix only, so that a missing key answers 403', async () => {
      const stored = new Set<string>();
      const run = await lookAt(({ method }, url) => {
        if (method === 'PUT' || method === 'POST') stored.add(url.pathname);
        return deny(method === 'HEAD' && !stored.has(url.pathname));
      });
      expect(run.finding('right-missing').what).toContain('s3:ListBucket');
    });

    it('writes nothing where nothing may be deleted', async () => {
      const store = await open(({ method }, url) =>
        deny(method === 'DELETE' && !url.searchParams.has('uploadId')),
      );
      await runDoctor(store, environmentOf(store, 'uploads'));
      expect(await contentOf(clientOf(store), 'uploads')).toEqual([]);
    });

    it('objects that are locked as they are written, and writes none', async () => {
      const lock = '<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule>';
      const written: string[] = [];
      const store = await open(({ method }, url) => {
        if (method !== 'GET') written.push(`${method} ${url.pathname}`);
        return url.searchParams.has('object-lock')
          ? xmlAnswer(
              `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${lock}</ObjectLockConfiguration>`,
            )
          : undefined;
      });
      const run = await runDoctor(store, environmentOf(store, 'uploads'));
      expect(run.finding('default-lock')).toMatchObject({
        level: 'warning',
        fix: /without default retention/,
      });
      // Not even what it could remove again; the sweeping up at the end deletes nothing, because nothing is there.
      expect([run.status, written]).toEqual([3, []]);
    });

    it('that SSE-C is blocked, as in buckets that Amazon S3 makes since April 2026', async () => {
      const blocked =
        '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>' +
        '<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>';
      const run = await lookAt(
        ({ headers }, url) => {
          if (url.searchParams.has('encryption'))
            return xmlAnswer(
              `<ServerSideEncryptionConfiguration>${blocked}</ServerSideEncryptionConfiguration>`,
            );
          return deny(headers.has(SSEC));
        },
        { profile: 'aws' },
      );
      const { fix } = run.finding('ssec-blocked');
      expect(fix).toContain('aws s3api put-bucket-encryption --bucket uploads');
      expect(documentIn(fix)).toMatchObject({
        Rules: [{ BlockedEncryptionTypes: { EncryptionType: ['NONE'] } }],
      });
    });

    it('that SSE-C is refused, though nobody may read why', async () => {
      const run = await lookAt(
        ({ headers }, url) => deny(headers.has(SSEC) || url.searchParams.has('encryption')),
        { profile: 'aws' },
      );
      expect(run.finding('ssec-blocked').level).toBe('warning');
    });

    it('that more bytes are taken than were signed', async () => {
      const run = await lookAt((request, url) =>
        isPut(request, url) && url.searchParams.get('X-Amz-SignedHeaders')?.includes('content-length')
          ? new Response(null, { headers: { etag: '"0"' } })
          : undefined,
      );
      expect(run.finding('length-not-enforced')).toMatchObject({ level: 'error', fix: /proxy/ });
    });

    it('that headers are taken which nobody signed', async () => {
      const run = await lookAt(({ headers }) =>
        headers.has('x-amz-meta-smuggled') ? new Response(null, { headers: { etag: '"0"' } }) : undefined,
      );
      expect(run.finding('unsigned-headers-taken')).toMatchObject({
        level: 'warning',
        fix: /--write-profile/,
      });
    });

    it('that a condition on PUT is ignored', async () => {
      const run = await lookAt((request, url) =>
        isPut(request, url) && request.headers.has('if-none-match')
          ? new Response(null, { headers: { etag: '"0"' } })
          : undefined,
      );
      expect(run.finding('put-condition-ignored')).toMatchObject({ level: 'error', why: /overwrite/ });
    });

    it('that a second Complete is refused, as by MinIO', async () => {
      const seen = new Set<string>();
      const run = await lookAt(({ method }, url) => {
        const uploadId = url.searchParams.get('uploadId');
        if (method !== 'POST' || uploadId === null) return undefined;
        if (seen.has(uploadId)) return errorAnswer(404, 'NoSuchUpload');
        seen.add(uploadId);
        return undefined;
      });
      expect(run.finding('complete-not-repeatable')).toMatchObject({ level: 'warning', why: /HEAD/ });
    });

    it('that the list of parts does not go on', async () => {
      const run = await lookAt(({ method }, url) =>
        method === 'GET' && url.searchParams.has('part-number-marker')
          ? xmlAnswer('<ListPartsResult></ListPartsResult>')
          : undefined,
      );
      expect(run.finding('paging-broken')).toMatchObject({ level: 'error', fix: /LONGHAUL_MAX_CHUNKS=1000/ });
    });

    it('what it could not remove', async () => {
      let denied = false;
      const run = await lookAt(({ method }, url) => {
        // Allowed while rights are tried, and no more.
        if (method === 'GET' && url.searchParams.has('max-parts')) denied = true;
        return deny(denied && method === 'DELETE');
      });
      expect(run.finding('leftovers')).toMatchObject({ level: 'warning', fix: /aws s3 rm --recursive/ });
    });

    it('a file that cannot be written', async () => {
      const store = await open();
      const env = { ...environmentOf(store, 'uploads'), LONGHAUL_SQLITE_FILE: '/nowhere/longhaul.sqlite' };
      expect((await runDoctor(store, env)).finding('sqlite-not-writable').fix).toContain('chown');
    });
  });

  it('asks before it changes the bucket, and takes no for an answer', async () => {
    const store = await open(undefined, { cors: { origins: ['https://other.example'] } });
    const asked: string[] = [];
    vi.stubEnv('AWS_ACCESS_KEY_ID', store.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.secretAccessKey);
    const status = await runCli(['doctor', '--origin', 'https://app.example', '--fix'], {
      env: environmentOf(store, 'uploads'),
      say: () => undefined,
      note: () => undefined,
      report: () => undefined,
      confirm: async (question) => {
        asked.push(question);
        return false;
      },
    });
    vi.unstubAllEnvs();
    expect([status, asked]).toEqual([1, ['Add a CORS rule for https://app.example to uploads?']]);
    const { CORSRules } = await clientOf(store).send(new GetBucketCorsCommand({ Bucket: 'uploads' }));
    expect(CORSRules?.flatMap(({ AllowedOrigins }) => AllowedOrigins)).toEqual(['https://other.example']);
  });

  it('prints the least rights without asking anybody', async () => {
    const env = {
      S3_BUCKET: 'uploads',
      LONGHAUL_KEY_TEMPLATE: 'acme/{connectorId}/{nodeId}',
      LONGHAUL_ENCRYPTION_KMS_DEFAULT_KEY: 'arn:aws:kms:eu-west-1:1:key/2',
    };
    const { status, stdout } = await runDoctor(
      { accessKeyId: '', secretAccessKey: '' },
      env,
      '--print-policy',
    );
    expect(status).toBe(0);
    const policies = JSON.parse(stdout) as Record<string, { Statement: Record<string, unknown>[] }>;
    expect(Object.keys(policies)).toEqual(['coordinator', 'operator', 'bucket']);
    expect(policies['coordinator']?.Statement).toMatchObject([
      { Resource: 'arn:aws:s3:::uploads/acme/*' },
      { Resource: 'arn:aws:s3:::uploads', Action: expect.arrayContaining(['s3:ListBucket']) },
      { Resource: ['arn:aws:kms:eu-west-1:1:key/2'], Action: ['kms:GenerateDataKey', 'kms:Decrypt'] },
    ]);
    expect(policies['bucket']?.Statement[1]).toMatchObject({
      Action: 's3:PutObject',
      Condition: { NumericGreaterThan: { 's3:signatureAge': '900000' } },
    });
  });

  it('finds objects that no row knows, after a backup was restored for example', async () => {
    await withFolder(async (folder) => {
      const store = await open();
      const path = join(folder, 'longhaul.sqlite');
      const env = { ...environmentOf(store, 'uploads'), LONGHAUL_SQLITE_FILE: path };
      const { endpoint, profile: _, ...credentials } = store;
      const objectStore = createS3ObjectStore({
        bucket: 'uploads',
        region: 'us-east-1',
        endpoint,
        forcePathStyle: true,
        credentials,
        profile: storeProfiles['local-s3'],
      });
      const memory = createSqliteStore({ path });
      await memory.catalog.migrate();
      const app = createCoordinator({
        ...memory,
        objectStore,
        tokenKeys: ['a key for tests that is long enough'],
      });
      const body = JSON.stringify({ createId: randomUUID(), name: 'x', sizeBytes: 1, payload: 'eA==' });
      const ours = await app.request('http://127.0.0.1/v1/uploads', { method: 'POST', body });
      expect(ours.status).toBe(201);
      expect((await runDoctor(store, env, '--reconcile')).finding('objects-unknown').level).toBe('good');

      // An object that was rotated and cannot be deleted is accounted for by its rotation.
      const { nodeId } = (await ours.json()) as { nodeId: string };
      const locked = createCoordinator({
        ...memory,
        objectStore: {
          ...objectStore,
          deleteObject: async () => {
            throw new ObjectStoreError('refused', 'locked', { s3Code: 'AccessDenied' });
          },
        },
        tokenKeys: ['a key for tests that is long enough'],
      });
      const rotated = await locked.request(`http://127.0.0.1/v1/objects/${nodeId}/rotate`, {
        method: 'POST',
        body: JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } }),
      });
      expect(await rotated.json()).toMatchObject({ state: 'DONE', lastError: expect.any(String) });
      const kept = await runDoctor(store, env, '--reconcile');
      expect(kept.finding('objects-unknown')).toMatchObject({
        level: 'good',
        what: expect.stringContaining('2 objects'),
      });

      const client = clientOf(store);
      const Key = 'connectors/default/a b+c&ä<1>';
      await client.send(new PutObjectCommand({ Bucket: 'uploads', Key, Body: 'lost' }));
      await client.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'elsewhere', Body: 'not ours' }));
      const run = await runDoctor(store, env, '--reconcile');
      expect(run.finding('objects-unknown')).toMatchObject({
        level: 'warning',
        what: expect.stringContaining(Key),
      });
      expect(run.status).toBe(3);
      expect(JSON.parse(run.stdout)).toMatchObject({
        unknownObjects: [{ key: Key, sizeBytes: 4, lastModified: expect.stringMatching(/^20/) }],
      });
      objectStore.close();
      await Promise.all([memory.state.close(), memory.catalog.close()]);
    });
  });

  it.each([
    ['--yes', 'belongs to --fix'],
    ['--origin', 'app.example'],
    ['--longest-days', 'whole number'],
  ])('refuses %s that makes no sense', async (option, words) => {
    const value = option === '--yes' ? [] : ['app.example'];
    const run = await runDoctor(
      { accessKeyId: 'a', secretAccessKey: 'b' },
      { S3_BUCKET: 'b' },
      option,
      ...value,
    );
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining(words)]);
  });

  it.each([
    ['no such file', undefined, 'cannot be read'],
    ['no JSON', '{', 'holds no JSON'],
    ['no profile', '{"name":"x"}', 'proven'],
  ])('refuses S3_PROFILE_FILE that is %s', async (_, text, words) => {
    await withFolder(async (folder) => {
      const file = join(folder, 'profile.json');
      if (text !== undefined) await writeFile(file, text);
      const env = { S3_BUCKET: 'b', S3_PROFILE_FILE: file };
      const run = await runDoctor({ accessKeyId: 'a', secretAccessKey: 'b' }, env);
      expect([run.status, run.stderr]).toEqual([2, expect.stringContaining(words)]);
    });
  });

  it('has a row in docs/doctor.md for each finding and profile, and for nothing else', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../../docs/doctor.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z0-9][a-z0-9-]+)`/gm)].map(([, id = '']) => id);
    const known = [...FINDING_IDS.filter((id) => !GOOD.has(id)), ...STORE_PROFILE_NAMES];
    expect(new Set(rows)).toEqual(new Set(known));
    expect(rows).toHaveLength(known.length);
  });
});

/** What is only ever good needs no row. */
const GOOD = new Set<string>([
  'access',
  'rights',
  'cors',
  'lifecycle',
  'versioning',
  'encryption',
  'behaviour',
  'sqlite',
  'redis',
  'postgres',
  'kafka',
]);

function deny(isDenied: boolean): Response | undefined {
  return isDenied ? errorAnswer(403, 'AccessDenied') : undefined;
}
