import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSqliteStore } from '../../src/sqlite.ts';
import { describeCatalog } from '../../src/lib/testing/catalog.contract.ts';

describeCatalog('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-catalog-'));
  return {
    open: () => createSqliteStore({ path: join(folder, 'longhaul.db') }).catalog,
    dispose: () => rm(folder, { recursive: true }),
  };
});
