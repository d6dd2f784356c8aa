import { describe } from 'vitest';
import { describeOutboxTables } from './outbox-tables.ts';
import { describePreviousVersion } from './previous-version.ts';
import { createPostgresSchema } from './sql-fixture.ts';

const url = process.env['LONGHAUL_TEST_POSTGRES_URL'] ?? '';

describe.skipIf(!url)('Postgres tables (needs LONGHAUL_TEST_POSTGRES_URL)', () => {
  describeOutboxTables('Postgres', () => createPostgresSchema(url));
  describePreviousVersion('Postgres', () => createPostgresSchema(url));
});
