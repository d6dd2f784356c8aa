import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/lib/process/config.ts';
import { createS3ObjectStore, type S3ObjectStoreOptions } from '../../src/s3-object-store.ts';
import { runDoctor } from '../process/doctor/run-doctor.ts';

// No store here has it: its two answers are made up as Amazon's documents have them.
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const LIST = '<?xml version="1.0"?><ListBucketResult></ListBucketResult>';
const NOT_CONFIGURED =
  '<?xml version="1.0"?><Error><Code>InvalidRequest</Code><Message>S3 Transfer Acceleration is not configured on this bucket</Message></Error>';

function answer(host: string, status: number, xml: string): { readonly count: () => number } {
  let count = 0;
  server.use(
    http.get(`https://${host}/`, () => {
      count += 1;
      return new HttpResponse(xml, { status, headers: { 'content-type': 'application/xml' } });
    }),
  );
  return { count: () => count };
}

function open(options: Partial<S3ObjectStoreOptions> = {}): {
  readonly hosts: () => Promise<readonly string[]>;
  readonly notices: readonly string[];
} {
  const notices: string[] = [];
  const objectStore = createS3ObjectStore({
    bucket: 'uploads',
    region: 'eu-west-1',
    credentials,
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  const part = { key: 'k', s3UploadId: 'u', partNumber: 1, sizeBytes: 1, expiresInSeconds: 60 };
  return {
    notices,
    async hosts() {
      const grants = await Promise.all([1, 2, 3].map(() => objectStore.signPart(part)));
      expect(new URL(objectStore.locationOf('k')).host).not.toContain('accelerate');
      return [...new Set(grants.map(({ url }) => new URL(url).host))];
    },
  };
}

describe('S3 Transfer Acceleration', () => {
  it('is where URLs lead once the endpoint has let a signed request in, tried once', async () => {
    const probe = answer('uploads.s3-accelerate.amazonaws.com', 200, LIST);
    const { hosts, notices } = open({ accelerate: true });
    expect(await hosts()).toEqual(['uploads.s3-accelerate.amazonaws.com']);
    expect([probe.count(), notices]).toEqual([1, []]);
  });

  it('is on also for those who may not list', async () => {
    answer(
      'uploads.s3-accelerate.amazonaws.com',
      403,
      NOT_CONFIGURED.replace('InvalidRequest', 'AccessDenied'),
    );
    expect(await open({ accelerate: true }).hosts()).toEqual(['uploads.s3-accelerate.amazonaws.com']);
  });

  it('is done without where it is off, with a notice', async () => {
    const probe = answer('uploads.s3-accelerate.amazonaws.com', 400, NOT_CONFIGURED);
    const { hosts, notices } = open({ accelerate: true });
    expect(await hosts()).toEqual(['uploads.s3.eu-west-1.amazonaws.com']);
    expect(await hosts()).toEqual(['uploads.s3.eu-west-1.amazonaws.com']);
    expect(probe.count()).toBe(1);
    expect(notices).toEqual([
      expect.stringMatching(
        /not configured on this bucket.*put-bucket-accelerate-configuration --bucket uploads/s,
      ),
    ]);
    expect(notices.join()).not.toContain('X-Amz-Signature');
  });

  it('is done without where nobody answers', async () => {
    server.use(http.get('https://uploads.s3-accelerate.amazonaws.com/', () => HttpResponse.error()));
    const { hosts, notices } = open({ accelerate: true });
    expect(await hosts()).toEqual(['uploads.s3.eu-west-1.amazonaws.com']);
    expect(notices).toHaveLength(1);
  });

  it('goes with IPv6, and IPv6 without it', async () => {
    answer('uploads.s3-accelerate.dualstack.amazonaws.com', 200, LIST);
    expect(await open({ accelerate: true, dualStack: true }).hosts()).toEqual([
      'uploads.s3-accelerate.dualstack.amazonaws.com',
    ]);
    expect(await open({ dualStack: true }).hosts()).toEqual(['uploads.s3.dualstack.eu-west-1.amazonaws.com']);
  });

  it.each<[string, Partial<S3ObjectStoreOptions>]>([
    ['a bucket with dots', { accelerate: true, bucket: 'my.uploads' }],
    ['capitals', { accelerate: true, bucket: 'Uploads' }],
    ['an endpoint', { accelerate: true, endpoint: 'https://store.example' }],
    ['an endpoint for clients', { accelerate: true, publicEndpoint: 'https://store.example' }],
    ['the bucket in the path', { accelerate: true, forcePathStyle: true }],
    ['an endpoint with IPv6', { dualStack: true, endpoint: 'https://store.example' }],
  ])('is refused beside %s', (_, options) => {
    expect(() => open(options)).toThrow(TypeError);
  });

  it.each([
    [{ S3_ACCELERATE: 'true', S3_BUCKET: 'my.uploads' }, 'S3_ACCELERATE needs a bucket'],
    [{ S3_ACCELERATE: 'true', S3_ENDPOINT: 'https://store.example' }, 'no meaning beside S3_ENDPOINT'],
    [{ S3_DUALSTACK: 'true', S3_ENDPOINT: 'https://store.example' }, 'no meaning beside S3_ENDPOINT'],
    [{ S3_ACCELERATE: 'true', S3_PUBLIC_ENDPOINT: 'https://store.example' }, 'beside S3_PUBLIC_ENDPOINT'],
    [{ S3_ACCELERATE: 'true', S3_FORCE_PATH_STYLE: 'true' }, 'drop S3_FORCE_PATH_STYLE'],
  ])('is refused in the environment: %o', (env, words) => {
    expect(() => readConfig({ S3_BUCKET: 'uploads', ...env })).toThrow(ConfigError);
    expect(() => readConfig({ S3_BUCKET: 'uploads', ...env })).toThrow(words);
  });

  it('that is off is a finding of the doctor', async () => {
    // The latest that fits answers: of the normal endpoint only the first question is.
    server.use(http.all('https://uploads.s3.eu-west-1.amazonaws.com/*', () => HttpResponse.error()));
    answer('uploads.s3.eu-west-1.amazonaws.com', 200, LIST);
    answer('uploads.s3-accelerate.amazonaws.com', 400, NOT_CONFIGURED);
    const env = { S3_BUCKET: 'uploads', S3_REGION: 'eu-west-1', S3_ACCELERATE: 'true' };
    const run = await runDoctor(credentials, env);
    expect(run.finding('acceleration-off')).toMatchObject({
      level: 'warning',
      fix: expect.stringContaining('Status=Enabled'),
    });
  });
});
