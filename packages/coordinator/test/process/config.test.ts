import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/lib/process/config.ts';
import { Secret } from '../../src/lib/secret.ts';

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 'a secret').toString('base64')}`;

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('needs a bucket and nothing else', () => {
    expect(readConfig({ S3_BUCKET: 'b' })).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      store: { bucket: 'b', region: 'us-east-1', profile: undefined, forcePathStyle: false },
      memory: { kind: 'sqlite', path: 'longhaul.sqlite' },
      settings: {},
    });
  });

  it('takes the profile by its older variable, too', () => {
    expect(readConfig({ S3_BUCKET: 'b', S3_PROVIDER: 'r2' }).store.profile).toBe('r2');
    expect(readConfig({ S3_BUCKET: 'b', S3_PROVIDER: 'r2', S3_PROFILE: 'b2' }).store.profile).toBe('b2');
  });

  it('reads settings with their units', () => {
    const { settings } = readConfig({
      S3_BUCKET: 'b',
      LONGHAUL_INLINE_MAX_BYTES: '0',
      LONGHAUL_GRANT_EXPIRES_IN_SECONDS: '60',
    });
    expect(settings).toEqual({ inlineMaxBytes: 0, grantExpiresInSeconds: 60 });
  });

  it('reads what uploads may ask of the store', () => {
    const { settings } = readConfig({
      S3_BUCKET: 'b',
      LONGHAUL_ENCRYPTION_MODES: 'sse-kms, sse-c',
      LONGHAUL_ENCRYPTION_REQUIRED: 'true',
      LONGHAUL_ENCRYPTION_DEFAULT: 'sse-kms',
      LONGHAUL_ENCRYPTION_KMS_KEYS: 'arn:aws:kms:eu:1:key/a, alias/b',
      LONGHAUL_ENCRYPTION_KMS_DEFAULT_KEY: 'alias/b',
      LONGHAUL_OBJECT_OPTIONS: 'tags,storageClass',
      LONGHAUL_STORAGE_CLASSES: 'STANDARD_IA',
    });
    expect(settings).toEqual({
      encryption: {
        modes: ['sse-kms', 'sse-c'],
        isRequired: true,
        defaultMode: 'sse-kms',
        kmsKeyIds: ['arn:aws:kms:eu:1:key/a', 'alias/b'],
        defaultKmsKeyId: 'alias/b',
      },
      objectOptions: { allowed: ['tags', 'storageClass'], storageClasses: ['STANDARD_IA'] },
    });
  });

  it('names the variables of a policy that makes no sense', () => {
    const problems = problemsOf({
      S3_BUCKET: 'b',
      LONGHAUL_ENCRYPTION_MODES: 'rot13',
      LONGHAUL_ENCRYPTION_DEFAULT: 'sse-c',
      LONGHAUL_OBJECT_OPTIONS: 'acl',
    });
    expect(problems).toEqual([
      expect.stringMatching(/^LONGHAUL_ENCRYPTION_MODES .*rot13/),
      expect.stringMatching(/^LONGHAUL_ENCRYPTION_DEFAULT .*sse-c/),
      expect.stringMatching(/^LONGHAUL_OBJECT_OPTIONS .*acl/),
    ]);
  });

  it('tells every error at once', () => {
    const problems = problemsOf({
      S3_ENDPOINT: 'ftp://x',
      S3_PROFILE: 'azure',
      LONGHAUL_PORT: '99999',
      LONGHAUL_MAX_CHUNKS: '10001',
      LONGHAUL_HOST: '0.0.0.0',
      LONGHAUL_TOKEN_KEYS: 'short',
      LONGHAUL_INLINE_MAX_BYTE: '1',
      LONGHAUL_REDIS_URL: 'redis://x',
    });
    for (const name of [
      'S3_BUCKET',
      'S3_ENDPOINT',
      'S3_PROFILE',
      'LONGHAUL_PORT',
      'LONGHAUL_MAX_CHUNKS',
      'LONGHAUL_HOST',
      'LONGHAUL_TOKEN_KEYS',
      'LONGHAUL_INLINE_MAX_BYTE ',
      'LONGHAUL_DATABASE_URL',
    ]) {
      expect(
        problems.filter((problem) => problem.startsWith(name.trimEnd())),
        name,
      ).not.toEqual([]);
    }
  });

  it('never repeats a secret', () => {
    const secrets = ['canary-token-key', 'canary-password'];
    const text = problemsOf({
      LONGHAUL_TOKEN_KEYS: secrets[0]!,
      LONGHAUL_DATABASE_URL: `mysql://user:${secrets[1]}@host/db`,
      LONGHAUL_REDIS_URL: `http://user:${secrets[1]}@host`,
      S3_ENDPOINT: `user:${secrets[1]}@host`,
    }).join('\n');
    expect(text).toContain('LONGHAUL_DATABASE_URL');
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('reads who is told of events', () => {
    expect(readConfig({ S3_BUCKET: 'b' })).toMatchObject({
      sinks: { kafka: undefined, webhook: undefined },
      backgroundWork: true,
      sweepEverySeconds: 30,
    });
    const { sinks } = readConfig({
      S3_BUCKET: 'b',
      LONGHAUL_KAFKA_BROKERS: 'kafka-1:9092, [::1]:9093',
      LONGHAUL_KAFKA_SSL: 'true',
      LONGHAUL_KAFKA_USERNAME: 'ann',
      LONGHAUL_KAFKA_PASSWORD: 'secret',
      LONGHAUL_WEBHOOK_URL: 'https://app.example/hook?key=1',
      LONGHAUL_WEBHOOK_SECRET: WEBHOOK_SECRET,
    });
    expect(sinks).toEqual({
      kafka: {
        brokers: ['kafka-1:9092', '[::1]:9093'],
        topic: 'longhaul.uploads',
        ssl: true,
        sasl: { mechanism: 'scram-sha-512', username: 'ann', password: expect.any(Secret) },
      },
      webhook: { url: 'https://app.example/hook?key=1', secret: expect.any(Secret) },
    });
    expect(sinks.kafka?.sasl?.password.reveal()).toBe('secret');
    expect(sinks.webhook?.secret.reveal()).toBe(WEBHOOK_SECRET);
  });

  it.each<[string, Record<string, string>]>([
    ['LONGHAUL_KAFKA_BROKERS', { LONGHAUL_KAFKA_BROKERS: 'kafka://ann:canary@host:9092' }],
    ['LONGHAUL_KAFKA_BROKERS', { LONGHAUL_KAFKA_BROKERS: 'host' }],
    ['LONGHAUL_KAFKA_BROKERS', { LONGHAUL_KAFKA_TOPIC: 'uploads' }],
    ['LONGHAUL_KAFKA_TOPIC', { LONGHAUL_KAFKA_BROKERS: 'h:1', LONGHAUL_KAFKA_TOPIC: 'a b' }],
    ['LONGHAUL_KAFKA_SSL', { LONGHAUL_KAFKA_BROKERS: 'h:1', LONGHAUL_KAFKA_SSL: 'yes' }],
    ['LONGHAUL_KAFKA_PASSWORD', { LONGHAUL_KAFKA_BROKERS: 'h:1', LONGHAUL_KAFKA_USERNAME: 'canary' }],
    ['LONGHAUL_KAFKA_USERNAME', { LONGHAUL_KAFKA_BROKERS: 'h:1', LONGHAUL_KAFKA_PASSWORD: 'canary' }],
    [
      'LONGHAUL_KAFKA_SASL_MECHANISM',
      { LONGHAUL_KAFKA_BROKERS: 'h:1', LONGHAUL_KAFKA_SASL_MECHANISM: 'gssapi' },
    ],
    ['LONGHAUL_WEBHOOK_SECRET', { LONGHAUL_WEBHOOK_URL: 'https://a.example/canary' }],
    ['LONGHAUL_WEBHOOK_URL', { LONGHAUL_WEBHOOK_SECRET: WEBHOOK_SECRET }],
    ...['http://a.example/canary', 'https://ann:canary@a.example', 'a.example/canary'].map(
      (url): [string, Record<string, string>] => [
        'LONGHAUL_WEBHOOK_URL',
        { LONGHAUL_WEBHOOK_URL: url, LONGHAUL_WEBHOOK_SECRET: WEBHOOK_SECRET },
      ],
    ),
    ...['canary', 'whsec_canary', `${WEBHOOK_SECRET}!`].map((secret): [string, Record<string, string>] => [
      'LONGHAUL_WEBHOOK_SECRET',
      { LONGHAUL_WEBHOOK_URL: 'http://127.0.0.1:9/', LONGHAUL_WEBHOOK_SECRET: secret },
    ]),
  ])('refuses %s in %o, and repeats no secret', (name, env) => {
    const problems = problemsOf({ S3_BUCKET: 'b', ...env });
    expect(problems).toEqual([expect.stringMatching(`^${name} `)]);
    expect(problems.join()).not.toContain('canary');
    expect(problems.join()).not.toContain(WEBHOOK_SECRET);
  });

  const JWT = {
    LONGHAUL_JWT_JWKS_URL: 'https://login.example/jwks',
    LONGHAUL_JWT_ISSUER: 'https://login.example/',
    LONGHAUL_JWT_AUDIENCE: 'uploads',
  };

  it('opens to other machines only when it knows who may upload', () => {
    const open = { S3_BUCKET: 'b', LONGHAUL_HOST: '0.0.0.0' };
    expect(problemsOf(open)).toEqual([expect.stringContaining('LONGHAUL_AUTHORIZE_MODULE')]);
    for (const env of [
      { LONGHAUL_AUTHORIZE_MODULE: './a.js' },
      { LONGHAUL_API_KEYS_FILE: './api-keys' },
      { LONGHAUL_API_KEYS: `ann ${'a'.repeat(64)}` },
      JWT,
      { ...JWT, LONGHAUL_API_KEYS_FILE: './api-keys' },
    ])
      expect(problemsOf({ ...open, ...env })).toEqual([]);
  });

  it('reads whose JWTs may create uploads', () => {
    const env = { ...JWT, LONGHAUL_JWT_ALGORITHMS: 'ES256, PS512', LONGHAUL_JWT_OWNER_CLAIM: 'tenant' };
    expect(readConfig({ S3_BUCKET: 'b', ...env }).authorize.jwt).toEqual({
      jwksUrl: 'https://login.example/jwks',
      issuer: 'https://login.example/',
      audience: 'uploads',
      algorithms: ['ES256', 'PS512'],
      ownerClaim: 'tenant',
      clockToleranceSeconds: 5,
    });
  });

  it.each<[string, Record<string, string>]>([
    ['LONGHAUL_JWT_ISSUER', { ...JWT, LONGHAUL_JWT_ISSUER: '' }],
    ['LONGHAUL_JWT_AUDIENCE', { ...JWT, LONGHAUL_JWT_AUDIENCE: '' }],
    ['LONGHAUL_JWT_JWKS_URL', { ...JWT, LONGHAUL_JWT_JWKS_URL: '' }],
    ['LONGHAUL_JWT_JWKS_URL', { ...JWT, LONGHAUL_JWT_JWKS_URL: 'http://login.example/jwks' }],
    ['LONGHAUL_JWT_ALGORITHMS', { ...JWT, LONGHAUL_JWT_ALGORITHMS: 'RS256,none' }],
    ['LONGHAUL_JWT_ALGORITHMS', { ...JWT, LONGHAUL_JWT_ALGORITHMS: 'HS256' }],
    ['LONGHAUL_JWT_CLOCK_TOLERANCE_SECONDS', { ...JWT, LONGHAUL_JWT_CLOCK_TOLERANCE_SECONDS: '301' }],
    ['LONGHAUL_API_KEYS', { LONGHAUL_API_KEYS: 'x', LONGHAUL_API_KEYS_FILE: './x' }],
    ['LONGHAUL_AUTHORIZE_MODULE', { ...JWT, LONGHAUL_AUTHORIZE_MODULE: './a.js' }],
  ])('refuses %s in %o, which would let too many in or nobody', (name, env) => {
    expect(problemsOf({ S3_BUCKET: 'b', ...env })).toEqual([expect.stringMatching(`^${name} `)]);
  });

  it('reads what limits one owner', () => {
    const { settings } = readConfig({
      S3_BUCKET: 'b',
      LONGHAUL_MAX_BYTES_PER_OWNER: '1000',
      LONGHAUL_CALLS_PER_MINUTE_PER_ADDRESS: '600',
      LONGHAUL_ALLOWED_CONTENT_TYPES: 'image/*, video/mp4',
    });
    expect(settings).toEqual({
      maxBytesPerOwner: 1000,
      callsPerMinutePerAddress: 600,
      allowedContentTypes: ['image/*', 'video/mp4'],
    });
    expect(problemsOf({ S3_BUCKET: 'b', LONGHAUL_ALLOWED_CONTENT_TYPES: '*/*' })).toEqual([
      expect.stringMatching('^LONGHAUL_ALLOWED_CONTENT_TYPES '),
    ]);
  });

  it.each([
    ['LONGHAUL_CORS_ORIGINS', 'https://app.example/'],
    ['LONGHAUL_CORS_ORIGINS', 'app.example'],
    ['LONGHAUL_KEY_TEMPLATE', 'connectors/{nodeid}'],
    ['LONGHAUL_KEY_TEMPLATE', '/{nodeId}'],
    ['LONGHAUL_KEY_TEMPLATE', 'a/../{nodeId}'],
    ['LONGHAUL_KEY_TEMPLATE', '{tenant}/{nodeId}'],
    ['LONGHAUL_KEY_TEMPLATE', 'a b/{nodeId}'],
    ['S3_ENDPOINT', 'http://user:canary@store:9000'],
    ['S3_PUBLIC_ENDPOINT', 'http://store:9000?token=canary'],
  ])('refuses %s=%s, which would only fail later', (name, value) => {
    const problems = problemsOf({ S3_BUCKET: 'b', [name]: value });
    expect(problems).toEqual([expect.stringMatching(`^${name} `)]);
    expect(problems.join()).not.toContain('canary');
  });

  it('takes an IPv6 address however it is written', () => {
    for (const LONGHAUL_HOST of ['::1', '[::1]'])
      expect(readConfig({ S3_BUCKET: 'b', LONGHAUL_HOST }).host).toBe('::1');
  });

  it('takes origins and key templates as they should be', () => {
    const { corsOrigins, settings } = readConfig({
      S3_BUCKET: 'b',
      LONGHAUL_CORS_ORIGINS: 'https://app.example, http://localhost:5173, *',
      LONGHAUL_KEY_TEMPLATE: 'my-app/v1.2/{connectorId}/{nodeId}.bin',
    });
    expect(corsOrigins).toEqual(['https://app.example', 'http://localhost:5173', '*']);
    expect(settings.keyTemplate).toBe('my-app/v1.2/{connectorId}/{nodeId}.bin');
  });
});
