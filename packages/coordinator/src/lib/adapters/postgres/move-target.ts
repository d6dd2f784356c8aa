import type { Sql, TransactionSql } from 'postgres';
import type { Installation } from '../../ports/catalog.ts';
import {
  CATALOG_KINDS,
  type CatalogKind,
  type MovedBatch,
  type MovedCount,
  type MovedRow,
  type MoveOutcome,
  MoveRefusedError,
  type MoveTarget,
  type MoveWish,
} from '../../ports/catalog-move.ts';
import { translated } from './rows.ts';

/** A catalog in Postgres, with an up-to-date schema, that takes the rows of another. `close` ends the client. */
export function createPostgresMove({ sql }: { readonly sql: Sql }): MoveTarget {
  return {
    take: (installation, batches, wish) =>
      translated('take what is moved', () => takeAll(sql, installation, batches, wish)),
    close: () => translated('close', () => sql.end({ timeout: END_TIMEOUT_SECONDS })),
  };
}

const END_TIMEOUT_SECONDS = 5;

interface Table {
  readonly name: string;
  /** Columns that tell its rows apart. */
  readonly ids: readonly string[];
  /** The database counts by itself: only the order of this column is moved. */
  readonly order?: string;
}

const TABLES: Readonly<Record<CatalogKind, Table>> = {
  nodes: { name: 'nodes', ids: ['document_id'] },
  rotations: { name: 'rotations', ids: ['document_id', 'rotation_id'] },
  events: { name: 'outbox', ids: ['event_id'], order: 'seq' },
};

/** The columns of a table that can be written, and their types. */
type ColumnTypes = ReadonlyMap<string, string>;

/** Ends a transaction without a trace. */
class RollBack extends Error {}

async function takeAll(
  sql: Sql,
  installation: Installation,
  batches: AsyncIterable<MovedBatch>,
  { dryRun }: MoveWish,
): Promise<MoveOutcome> {
  const counts = {
    nodes: { taken: 0, there: 0 },
    rotations: { taken: 0, there: 0 },
    events: { taken: 0, there: 0 },
  };
  try {
    await sql.begin(async (transaction) => {
      // Whoever begins an upload meanwhile waits: a catalog that was empty stays so until the end.
      await transaction`lock table nodes, rotations, outbox in share row exclusive mode`;
      await becomeInstallation(transaction, installation);
      const types = new Map<CatalogKind, ColumnTypes>();
      for (const kind of CATALOG_KINDS) types.set(kind, await typesOf(transaction, TABLES[kind].name));
      for await (const { kind, rows } of batches) {
        const known = types.get(kind) ?? new Map<string, string>();
        const { taken, there } = await takeBatch(transaction, TABLES[kind], known, rows);
        counts[kind].taken += taken;
        counts[kind].there += there;
      }
      if (dryRun) throw new RollBack();
    });
  } catch (error) {
    if (!(error instanceof RollBack)) throw error;
  }
  return counts;
}

/** Events and keys name the installation, and only what is younger than it may be cleaned up after. */
async function becomeInstallation(sql: TransactionSql, installation: Installation): Promise<void> {
  const { installationId, createdAtEpochMs } = installation;
  const [there] = await sql<{ id: string; is_empty: boolean }[]>`
    select installation_id::text as id,
      not exists (select 1 from nodes) and not exists (select 1 from outbox) as is_empty
    from longhaul_installation`;
  if (there?.id === installationId) return;
  if (!there?.is_empty) {
    throw new MoveRefusedError(
      `the Postgres catalog has uploads of another installation (${there?.id}). Move into an empty database or schema.`,
    );
  }
  await sql`
    update longhaul_installation set installation_id = ${installationId}::uuid,
      created_at = to_timestamp(${createdAtEpochMs}::float8 / 1000)`;
}

async function typesOf(sql: TransactionSql, table: string): Promise<ColumnTypes> {
  const rows = await sql<{ name: string; type: string }[]>`
    select column_name as name, data_type as type from information_schema.columns
    where table_schema = current_schema() and table_name = ${table}
      and is_generated = 'NEVER' and is_identity = 'NO'`;
  return new Map(rows.map(({ name, type }) => [name, type]));
}

async function takeBatch(
  sql: TransactionSql,
  table: Table,
  types: ColumnTypes,
  rows: readonly MovedRow[],
): Promise<MovedCount> {
  const given = Object.keys(rows[0] ?? {});
  const names = given.filter((name) => name !== table.order);
  const unknown = names.filter((name) => !types.has(name));
  if (unknown.length > 0) {
    throw new MoveRefusedError(
      `the catalog here has no ${table.name}.${unknown.join(', ')}: a newer version wrote the file. Import with that ` +
        'version, or a later one.',
    );
  }
  const taken = await sql.unsafe<MovedRow[]>(
    `insert into ${table.name} (${names.join(', ')})
     select ${names.map((name) => writtenAs(`moved.${name}`, types.get(name))).join(', ')}
     from json_to_recordset($1::text::json) as moved (${given.map((name) => `${name} text`).join(', ')})
     ${table.order === undefined ? '' : `order by moved.${table.order}::bigint`}
     on conflict do nothing
     returning ${table.ids.map((name) => readAs(name, types.get(name))).join(', ')}`,
    [JSON.stringify(rows)],
  );
  const isTaken = new Set(taken.map((row) => idOf(table, row)));
  const others = rows.filter((row) => !isTaken.has(idOf(table, row)));
  if (others.length > 0) await assertThere(sql, table, types, others);
  return { taken: taken.length, there: others.length };
}

function idOf({ ids }: Table, row: MovedRow): string {
  return ids.map((name) => row[name]).join(' ');
}

/** A value of a {@link MovedRow}, which arrives as text, as its column takes it. */
function writtenAs(text: string, type = 'text'): string {
  if (type === 'timestamp with time zone') return `to_timestamp(${text}::float8 / 1000)`;
  return type === 'boolean' ? `${text}::int <> 0` : `${text}::${type}`;
}

/** A column as the value of a {@link MovedRow}. */
function readAs(name: string, type = 'text'): string {
  switch (type) {
    case 'timestamp with time zone':
      return `round(extract(epoch from ${name}) * 1000)::float8 as ${name}`;
    case 'boolean':
      return `${name}::int as ${name}`;
    case 'bigint':
    case 'integer':
      return `${name}::float8 as ${name}`;
    default:
      return `${name}::text as ${name}`;
  }
}

/** A second import finds what the first has brought. Anything else that is in the way is not ours to replace. */
async function assertThere(
  sql: TransactionSql,
  table: Table,
  types: ColumnTypes,
  rows: readonly MovedRow[],
): Promise<void> {
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== table.order);
  const ids = table.ids.map((name) => writtenAs(`moved.${name}`, types.get(name))).join(', ');
  const found = await sql.unsafe<MovedRow[]>(
    `select ${names.map((name) => readAs(name, types.get(name))).join(', ')} from ${table.name}
     where (${table.ids.join(', ')}) in (
       select ${ids} from json_to_recordset($1::text::json) as moved (${table.ids.map((name) => `${name} text`).join(', ')})
     )`,
    [JSON.stringify(rows.map((row) => Object.fromEntries(table.ids.map((name) => [name, row[name]]))))],
  );
  const byId = new Map(found.map((row) => [idOf(table, row), row]));
  const others = rows.flatMap((row) => {
    const there = byId.get(idOf(table, row));
    if (!there) return `${idOf(table, row)} (its place is taken)`;
    const differing = names.filter((name) => there[name] !== row[name]);
    return differing.length > 0 ? `${idOf(table, row)} (${differing.join(', ')})` : [];
  });
  if (others.length === 0) return;
  throw new MoveRefusedError(
    `${others.length} row(s) of ${table.name} are there with other content, among them ${others.slice(0, 5).join(', ')}: this ` +
      'catalog has gone on since it took them, and what the file says is older. Nothing was changed.',
  );
}
