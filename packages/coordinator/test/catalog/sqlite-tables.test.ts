import { describeOutboxTables } from './outbox-tables.ts';
import { describePreviousVersion } from './previous-version.ts';
import { createSqliteFile } from './sql-fixture.ts';

describeOutboxTables('SQLite', createSqliteFile);
describePreviousVersion('SQLite', createSqliteFile);
