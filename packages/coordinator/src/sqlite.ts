export {
  createSqliteStore,
  type SqliteStore,
  type SqliteStoreOptions,
} from './lib/adapters/sqlite/sqlite-store.ts';
