import { createRequire } from 'node:module';
import { dirname, relative } from 'node:path';
import { expect, it } from 'vitest';
import { type ArrowViolation, violatedArrows } from '../../tools/check/arrows.ts';
import { installFake, linkPackage, withSourceTree } from './source-tree.ts';

const config: { forbidden: { name: string }[] } = createRequire(import.meta.url)(
  '../../.dependency-cruiser.cjs',
);

const SDK = 'packages/sdk/src';
const COORDINATOR = 'packages/coordinator/src';
const PROTOCOL = 'packages/protocol/src';

/** What is imported, a path or a bare name, by which file, and which rules forbid that. */
type Import = readonly [from: string, to: string, ...rules: string[]];

const ALLOWED: readonly Import[] = [
  [`${PROTOCOL}/index.ts`, `${PROTOCOL}/messages.ts`],
  [`${PROTOCOL}/schemas.ts`, `${PROTOCOL}/messages.ts`],
  [`${PROTOCOL}/schemas.ts`, 'valibot'],
  [`${PROTOCOL}/messages.test.ts`, 'vitest'],
  [`${SDK}/browser.ts`, `${SDK}/lib/uploader/upload.ts`],
  [`${SDK}/browser.ts`, `${SDK}/lib/platform/browser/sender.ts`],
  [`${SDK}/node.ts`, `${SDK}/lib/platform/node/sender.ts`],
  [`${SDK}/core.ts`, `${SDK}/lib/uploader/upload.ts`],
  [`${SDK}/cli.ts`, `${SDK}/lib/cli/run.ts`],
  [`${SDK}/lib/cli/run.ts`, `${SDK}/node.ts`],
  [`${SDK}/lib/uploader/upload.ts`, `${SDK}/lib/stages/send.ts`],
  [`${SDK}/lib/uploader/upload.ts`, `${SDK}/lib/sources/blob.ts`],
  [`${SDK}/lib/uploader/create-uploader.ts`, `${SDK}/lib/http/client.ts`],
  [`${SDK}/lib/stages/send.ts`, `${SDK}/lib/retry.ts`],
  [`${SDK}/lib/stages/send.ts`, `${SDK}/lib/ports/sender.ts`],
  [`${SDK}/lib/retry.ts`, `${SDK}/lib/ports/sender.ts`],
  [`${SDK}/lib/retry.ts`, '@longhaul/protocol'],
  [`${SDK}/lib/http/client.ts`, 'ky'],
  [`${SDK}/lib/tabs/share.ts`, `${SDK}/lib/uploader/upload.ts`],
  [`${SDK}/lib/ports/sender.ts`, `${SDK}/lib/upload-error.ts`],
  [`${SDK}/lib/platform/node/sender.ts`, 'node:http'],
  [`${SDK}/lib/platform/node/sender.ts`, `${SDK}/lib/ports/sender.ts`],
  [`${SDK}/lib/platform/browser/sender.ts`, `${SDK}/lib/ports/sender.ts`],
  [`${SDK}/lib/platform/browser/sender.ts`, `${SDK}/lib/sources/blob.ts`],
  [`${SDK}/web.ts`, `${SDK}/lib/platform/web/platform.ts`],
  [`${SDK}/core.ts`, `${SDK}/lib/senders/fetch.ts`],
  [`${SDK}/lib/platform/web/platform.ts`, `${SDK}/lib/senders/fetch.ts`],
  [`${SDK}/lib/senders/fetch.ts`, `${SDK}/lib/sources/blob.ts`],
  ['packages/sdk/test/upload.test.ts', `${SDK}/lib/stages/send.ts`],
  ['packages/sdk/test/upload.test.ts', '@longhaul/coordinator'],
  [`${COORDINATOR}/index.ts`, `${COORDINATOR}/lib/create-coordinator.ts`],
  [`${COORDINATOR}/redis.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`],
  [`${COORDINATOR}/testing.ts`, `${COORDINATOR}/lib/testing/suite.contract.ts`],
  [`${COORDINATOR}/main.ts`, `${COORDINATOR}/lib/process/serve.ts`],
  [`${COORDINATOR}/lib/process/serve.ts`, `${COORDINATOR}/lib/process/wire.ts`],
  [`${COORDINATOR}/lib/process/serve.ts`, `${COORDINATOR}/lib/create-coordinator.ts`],
  [`${COORDINATOR}/lib/process/wire.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`],
  [`${COORDINATOR}/lib/process/wire.ts`, 'ioredis'],
  [`${COORDINATOR}/lib/ports/key-vault.ts`, `${COORDINATOR}/lib/secret.ts`],
  [`${COORDINATOR}/lib/create-coordinator.ts`, `${COORDINATOR}/lib/http/app.ts`],
  [`${COORDINATOR}/lib/http/app.ts`, `${COORDINATOR}/lib/uploads/create.ts`],
  [`${COORDINATOR}/lib/http/app.ts`, '@longhaul/protocol/schemas'],
  [`${COORDINATOR}/lib/create-coordinator.ts`, `${COORDINATOR}/lib/events/relay.ts`],
  [`${COORDINATOR}/lib/events/relay.ts`, `${COORDINATOR}/lib/ports/catalog.ts`],
  [`${COORDINATOR}/lib/uploads/create.ts`, `${COORDINATOR}/lib/ports/catalog.ts`],
  [`${COORDINATOR}/lib/uploads/create.ts`, `${COORDINATOR}/lib/coordinator-error.ts`],
  [`${COORDINATOR}/lib/adapters/redis/state.ts`, `${COORDINATOR}/lib/ports/catalog.ts`],
  [`${COORDINATOR}/lib/adapters/redis/state.ts`, `${COORDINATOR}/lib/adapters/row.ts`],
  [`${COORDINATOR}/lib/adapters/redis/state.ts`, 'ioredis'],
  [`${COORDINATOR}/lib/adapters/sqlite/catalog.ts`, 'node:sqlite'],
  ['tests/whole.test.ts', '@longhaul/sdk'],
  ['tools/demo.ts', `${COORDINATOR}/lib/process/serve.ts`],
  ['bench/run.ts', `${SDK}/lib/cli/run.ts`],
];

// Nearly every refused import has a file of its own (`x.ts`), so that it breaks what it must and nothing else.
const REFUSED: readonly Import[] = [
  // A circle is told once, of the file that comes first.
  [`${SDK}/lib/circle.ts`, `${SDK}/lib/circle-back.ts`],
  [`${SDK}/lib/circle-back.ts`, `${SDK}/lib/circle.ts`, 'no-circle'],
  [`${SDK}/lib/x-lost.ts`, `./nowhere.ts`, 'resolvable'],
  [`${COORDINATOR}/lib/x-further-up.ts`, 'further-up', 'declared'],
  [`${COORDINATOR}/lib/x-dev.ts`, 'dev-tool', 'installed-with-it'],
  ['tests/x.ts', `${SDK}/lib/retry.ts`, 'package-door'],
  ['examples/a/x.ts', `${COORDINATOR}/lib/process/serve.ts`, 'package-door'],
  ['tools/x.ts', `${COORDINATOR}/lib/uploads/create.ts`, 'tools-door'],
  [`${COORDINATOR}/lib/process/x-door.ts`, `${PROTOCOL}/messages.ts`, 'package-arrows'],
  [`${COORDINATOR}/lib/uploads/x-sdk.ts`, '@longhaul/sdk', 'package-arrows'],
  [`${PROTOCOL}/x.ts`, 'valibot', 'protocol-alone'],
  [`${PROTOCOL}/x-node.ts`, 'node:crypto', 'protocol-alone'],
  [`${PROTOCOL}/x-schemas.ts`, `${PROTOCOL}/schemas.ts`, 'protocol-without-schemas'],
  [`${SDK}/lib/x-schemas.ts`, '@longhaul/protocol/schemas', 'protocol-without-schemas'],
  [`${PROTOCOL}/schemas.ts`, 'ky', 'protocol-schemas'],
  [`${SDK}/lib/ports/x.ts`, `${SDK}/lib/retry.ts`, 'sdk-ports'],
  [`${SDK}/lib/x.ts`, `${SDK}/lib/sources/blob.ts`, 'sdk-helpers'],
  [`${SDK}/lib/x-http.ts`, `${SDK}/lib/http/client.ts`, 'sdk-helpers'],
  [`${SDK}/lib/sources/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-sources'],
  [`${SDK}/lib/senders/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-senders'],
  [`${SDK}/lib/stages/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-stages'],
  [`${SDK}/lib/stages/x-up.ts`, `${SDK}/lib/uploader/upload.ts`, 'sdk-stages'],
  [`${SDK}/lib/stages/x-http.ts`, `${SDK}/lib/http/client.ts`, 'sdk-stages'],
  [`${SDK}/lib/uploader/x.ts`, `${SDK}/lib/platform/node/sender.ts`, 'sdk-uploader'],
  [`${SDK}/lib/uploader/x-http.ts`, `${SDK}/lib/http/client.ts`, 'sdk-uploader'],
  [`${SDK}/lib/uploader/options.ts`, `${SDK}/lib/platform/node/sender.ts`, 'sdk-create-uploader'],
  [`${SDK}/lib/many/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-many'],
  [`${SDK}/lib/http/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-http'],
  [`${SDK}/lib/tabs/x.ts`, `${SDK}/lib/stages/send.ts`, 'sdk-tabs'],
  [`${SDK}/lib/platform/browser/x.ts`, `${SDK}/lib/platform/node/sender.ts`, 'sdk-platform'],
  [`${SDK}/lib/platform/node/x.ts`, `${SDK}/lib/uploader/upload.ts`, 'sdk-platform'],
  [`${SDK}/lib/cli/x.ts`, `${SDK}/lib/uploader/upload.ts`, 'sdk-cli'],
  [`${SDK}/lib/x-node.ts`, 'node:fs', 'sdk-neutral'],
  [`${SDK}/lib/platform/browser/x-node.ts`, 'node:fs', 'sdk-neutral'],
  [`${SDK}/core.ts`, `${SDK}/lib/platform/browser/sender.ts`, 'sdk-core-without-platform'],
  [`${SDK}/browser.ts`, `${SDK}/lib/platform/node/sender.ts`, 'sdk-browser-without-node'],
  [`${SDK}/web.ts`, `${SDK}/lib/platform/node/sender.ts`, 'sdk-browser-without-node'],
  [`${SDK}/lib/x-heavy.ts`, 'valibot', 'sdk-dependencies'],
  [`${COORDINATOR}/lib/ports/x.ts`, `${COORDINATOR}/lib/coordinator-error.ts`, 'coordinator-ports'],
  [`${COORDINATOR}/lib/uploads/x.ts`, `${COORDINATOR}/lib/http/app.ts`, 'coordinator-uploads'],
  [
    `${COORDINATOR}/lib/uploads/x-redis.ts`,
    `${COORDINATOR}/lib/adapters/redis/state.ts`,
    'coordinator-uploads',
  ],
  [`${COORDINATOR}/lib/events/x.ts`, `${COORDINATOR}/lib/uploads/create.ts`, 'coordinator-events'],
  [`${COORDINATOR}/lib/uploads/x-relay.ts`, `${COORDINATOR}/lib/events/relay.ts`, 'coordinator-uploads'],
  [`${COORDINATOR}/lib/http/x.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`, 'coordinator-http'],
  [`${COORDINATOR}/lib/x.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`, 'coordinator-root'],
  [
    `${COORDINATOR}/lib/adapters/redis/x.ts`,
    `${COORDINATOR}/lib/adapters/sqlite/catalog.ts`,
    'coordinator-adapters',
  ],
  [
    `${COORDINATOR}/lib/adapters/redis/x-up.ts`,
    `${COORDINATOR}/lib/uploads/create.ts`,
    'coordinator-adapters',
  ],
  [
    `${COORDINATOR}/lib/adapters/x.ts`,
    `${COORDINATOR}/lib/adapters/redis/state.ts`,
    'coordinator-adapters-shared',
  ],
  [`${COORDINATOR}/lib/process/x.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`, 'coordinator-process'],
  [`${COORDINATOR}/lib/process/wire.ts`, `${COORDINATOR}/lib/uploads/create.ts`, 'coordinator-wire'],
  [`${COORDINATOR}/main.ts`, `${COORDINATOR}/lib/adapters/redis/state.ts`, 'coordinator-main'],
  [
    `${COORDINATOR}/lib/x-testing.ts`,
    `${COORDINATOR}/lib/testing/harness.ts`,
    'coordinator-root',
    'coordinator-testing',
  ],
  [`${COORDINATOR}/lib/uploads/x-redis-driver.ts`, 'ioredis', 'driver-redis'],
  [`${COORDINATOR}/lib/adapters/redis/x-postgres.ts`, 'postgres', 'driver-postgres'],
  [`${COORDINATOR}/lib/process/x-sqlite.ts`, 'node:sqlite', 'driver-sqlite'],
  [`${COORDINATOR}/lib/events/x-kafka.ts`, 'kafkajs', 'driver-kafka'],
  [`${COORDINATOR}/lib/http/x-jwt.ts`, 'jose', 'driver-jwt'],
  [`${COORDINATOR}/lib/events/x-prometheus.ts`, 'prom-client', 'driver-prometheus'],
  [`${COORDINATOR}/lib/http/x-s3.ts`, '@aws-sdk/client-s3', 'driver-s3'],
  [`${COORDINATOR}/lib/adapters/object-store/x-kms.ts`, '@aws-sdk/client-kms', 'driver-aws-keys'],
];

const MANIFESTS = {
  protocol: {
    exports: { '.': './src/index.ts', './schemas': './src/schemas.ts' },
    dependencies: { valibot: '1', ky: '1' },
  },
  sdk: {
    exports: { '.': './src/node.ts' },
    dependencies: { ky: '1', valibot: '1' },
    devDependencies: { '@longhaul/protocol': '1' },
  },
  coordinator: {
    exports: { '.': './src/index.ts' },
    dependencies: { '@aws-sdk/client-kms': '1', '@aws-sdk/client-s3': '1', '@longhaul/sdk': '1' },
    devDependencies: {
      '@longhaul/protocol': '1',
      ioredis: '1',
      jose: '6',
      kafkajs: '2',
      'prom-client': '15',
      postgres: '1',
      'dev-tool': '1',
    },
    peerDependencies: { ioredis: '1', jose: '6', kafkajs: '2', postgres: '1', 'prom-client': '15' },
  },
};

const INSTALLED = [
  'valibot',
  'ky',
  'ioredis',
  'jose',
  'kafkajs',
  'prom-client',
  'postgres',
  '@aws-sdk/client-kms',
  '@aws-sdk/client-s3',
  'vitest',
  'dev-tool',
  'further-up',
];

async function violationsOf(imports: readonly Import[]): Promise<readonly ArrowViolation[]> {
  const sources = sourcesOf(imports);
  return await withSourceTree(sources, async (folder) => {
    for (const name of INSTALLED) await installFake(folder, name);
    for (const [name, manifest] of Object.entries(MANIFESTS)) await linkPackage(folder, name, manifest);
    return await violatedArrows(
      folder,
      [...sources.keys()].filter((file) => file.includes('/src/')),
    );
  });
}

/** Type imports, because those are what a rule would overlook. */
function sourcesOf(imports: readonly Import[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [from, to] of imports) {
    const isPath = to.startsWith('packages/');
    const specifier = isPath ? `./${relative(dirname(from), to)}` : to;
    texts.set(from, `${texts.get(from) ?? 'export {};\n'}import type * as a from '${specifier}';\n`);
    if (isPath && !texts.has(to)) texts.set(to, 'export {};\n');
  }
  return texts;
}

it('lets every arrow of the design pass', async () => {
  expect(await violationsOf(ALLOWED)).toEqual([]);
});

it('has a case for each rule', () => {
  const broken = new Set(REFUSED.flatMap(([, , ...rules]) => rules));
  expect([...broken].toSorted()).toEqual(config.forbidden.map(({ name }) => name).toSorted());
});

it('refuses every arrow that the design does not have', async () => {
  const violations = await violationsOf([...ALLOWED, ...REFUSED]);
  const found = new Set(violations.map(({ rule, from }) => `${rule}: ${from}`));
  const expected = REFUSED.flatMap(([from, , ...rules]) => rules.map((rule) => `${rule}: ${from}`));
  expect([...found].toSorted()).toEqual([...new Set(expected)].toSorted());
});

it('fails when a file was not read, because nothing is wrong with what nobody reads', async () => {
  await withSourceTree(new Map([['packages/sdk/src/a.ts', 'export {};\n']]), async (folder) => {
    await expect(violatedArrows(folder, ['packages/sdk/src/b.ts'])).rejects.toThrow('did not read');
  });
});
