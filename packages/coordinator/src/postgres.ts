export {
  createPostgresCatalog,
  type PostgresCatalogOptions,
} from './lib/adapters/postgres/postgres-catalog.ts';
