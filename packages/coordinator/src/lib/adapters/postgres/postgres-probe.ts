import type { Sql } from 'postgres';
import type { PostgresReport, ServerProbe } from '../../ports/server-probes.ts';
import { NEWEST_MIGRATION } from './migrate.ts';

const PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const TABLES = ['nodes', 'outbox', 'longhaul_migrations', 'longhaul_installation'];

/** Looks at a Postgres and at our tables in it. Changes nothing. */
export function createPostgresProbe({ sql }: { readonly sql: Sql }): ServerProbe<PostgresReport> {
  return {
    async look() {
      try {
        const [server] = await sql<(Server & { schema: string | null })[]>`
          select current_setting('server_version_num')::int as "versionNumber",
            pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as "isReadOnly",
            current_setting('fsync') = 'on' as fsync,
            current_setting('synchronous_commit') as "synchronousCommit",
            current_setting('server_encoding') as encoding,
            current_user as user, current_database() as database, current_schema() as schema,
            coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as "mayCreateTables"`;
        if (!server) return { unreachable: 'it answered nothing' };
        const tables = await tablesOf(sql);
        return {
          ...server,
          schema: server.schema ?? undefined,
          appliedMigrations: tables.some(({ name, mayUse }) => name === 'longhaul_migrations' && mayUse)
            ? await appliedMigrations(sql)
            : 0,
          knownMigrations: NEWEST_MIGRATION,
          forbiddenTables: tables.filter(({ mayUse }) => !mayUse).map(({ name }) => name),
        };
      } catch (error) {
        return { unreachable: reasonOf(error) };
      }
    },
    close: () => sql.end({ timeout: 1 }),
  };
}

type Server = Omit<PostgresReport, 'schema' | 'appliedMigrations' | 'knownMigrations' | 'forbiddenTables'>;

async function tablesOf(sql: Sql): Promise<readonly { readonly name: string; readonly mayUse: boolean }[]> {
  return await sql<{ name: string; mayUse: boolean }[]>`
    select tablename as name, bool_and(has_table_privilege(format('%I.%I', schemaname, tablename), privilege)) as "mayUse"
    from pg_catalog.pg_tables, unnest(${PRIVILEGES}::text[]) as privilege
    where schemaname = current_schema() and tablename = any(${TABLES})
      and (privilege = 'SELECT' or tablename not like 'longhaul%')
    group by tablename`;
}

async function appliedMigrations(sql: Sql): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    select coalesce(max(version), 0)::int as version from longhaul_migrations`;
  return row?.version ?? 0;
}

/** The driver's connection errors have an empty message and tell by their code. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return [code, message].filter(Boolean).join(': ') || String(error);
}
