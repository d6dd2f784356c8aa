import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../tools/openapi/document.ts';

const PAGE = join(import.meta.dirname, '../../docs/openapi.json');

it('docs/openapi.json is what the schemas say today', async () => {
  const page: unknown = JSON.parse(await readFile(PAGE, 'utf8'));
  expect(page, 'run node tools/openapi.ts').toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

it('every call of the server is in the document, and no other', () => {
  const app = createCoordinator({
    ...createSqliteStore({ path: ':memory:' }),
    objectStore: createS3ObjectStore({ bucket: 'b', region: 'r' }),
    tokenKeys: ['k'.repeat(32)],
  });
  const served = app.routes
    .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, unknown>> };
  const documented = Object.entries(paths).flatMap(([path, calls]) =>
    Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.toSorted()).toEqual([...new Set(served)].toSorted());
});
