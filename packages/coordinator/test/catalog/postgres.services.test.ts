import { describe } from 'vitest';
import { createPostgresCatalog } from '../../src/postgres.ts';
import { describeCatalog } from '../../src/lib/testing/catalog.contract.ts';
import { createSchema } from './postgres-schema.ts';

const url = process.env['LONGHAUL_TEST_POSTGRES_URL'] ?? '';

describe.skipIf(!url)('Postgres (needs LONGHAUL_TEST_POSTGRES_URL)', () => {
  describeCatalog('Postgres', async () => {
    const schema = await createSchema(url);
    return {
      open: () => createPostgresCatalog({ sql: schema.connect() }),
      dispose: () => schema.drop(),
    };
  });
});
