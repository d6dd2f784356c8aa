import type { PostgresReport } from '../../../ports/server-probes.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

const LEAST_VERSION = 130_000;

/** Postgres, where it is used: reachable, with our schema, and keeping what it has said yes to. */
export async function checkPostgres({ postgres }: Patient): Promise<readonly Finding[]> {
  if (!postgres) return [];
  const report = await postgres.look();
  if ('unreachable' in report) {
    return [
      {
        id: 'postgres-unreachable',
        level: 'error',
        what: `Postgres (LONGHAUL_DATABASE_URL) cannot be reached: ${report.unreachable}`,
        why: 'no upload can be created or completed',
        fix: 'correct host, port, user, password and database in LONGHAUL_DATABASE_URL: psql "$LONGHAUL_DATABASE_URL" -c "select 1"',
      },
    ];
  }
  const findings = [...serverFindings(report), ...schemaFindings(report), ...durabilityFindings(report)];
  const isGood = findings.every(({ level }) => level === 'note');
  const version = Math.floor(report.versionNumber / 10_000);
  return isGood
    ? [good('postgres', `Postgres ${version}, schema version ${report.appliedMigrations}`), ...findings]
    : findings;
}

function serverFindings({
  versionNumber,
  isReadOnly,
  encoding,
  database,
}: PostgresReport): readonly Finding[] {
  const findings: Finding[] = [];
  if (versionNumber < LEAST_VERSION) {
    findings.push({
      id: 'postgres-too-old',
      level: 'error',
      what: `Postgres is ${Math.floor(versionNumber / 10_000)}`,
      why: 'ids are made by gen_random_uuid(), which is there since 13',
      fix: 'update Postgres to 13 or newer',
    });
  }
  if (isReadOnly) {
    findings.push({
      id: 'postgres-read-only',
      level: 'error',
      what: 'this Postgres is a standby, or its transactions are read-only',
      why: 'no upload can be created or completed',
      fix: 'name the primary: LONGHAUL_DATABASE_URL=postgres://primary/…?target_session_attrs=read-write',
    });
  }
  if (encoding !== 'UTF8') {
    findings.push({
      id: 'postgres-encoding',
      level: 'error',
      what: `the database ${database} has the encoding ${encoding}`,
      why: 'names of files in other scripts cannot be stored: such a create fails',
      fix: `createdb --encoding=UTF8 --template=template0 ${database}_utf8, then LONGHAUL_DATABASE_URL=…/${database}_utf8`,
    });
  }
  return findings;
}

function schemaFindings(report: PostgresReport): readonly Finding[] {
  const {
    appliedMigrations,
    knownMigrations,
    forbiddenTables,
    mayCreateTables,
    user,
    schema = 'public',
  } = report;
  const findings: Finding[] = [];
  if (forbiddenTables.length > 0) {
    findings.push({
      id: 'postgres-rights',
      level: 'error',
      what: `${user} may not read and write ${forbiddenTables.join(', ')} in ${schema}`,
      why: 'calls fail as soon as they come to that table',
      fix: `grant select, insert, update, delete on all tables in schema ${schema} to ${user};`,
    });
  }
  if (forbiddenTables.includes('longhaul_migrations') || appliedMigrations >= knownMigrations)
    return findings;
  const what = `the schema has version ${appliedMigrations}, this program knows ${knownMigrations}`;
  if (!mayCreateTables) {
    findings.push({
      id: 'postgres-no-create',
      level: 'error',
      what: `${what}, and ${user} may not create tables in ${schema}`,
      why: 'serve brings the schema up to date before it listens, and would end with an error',
      fix: `grant create on schema ${schema} to ${user};   -- or run longhaul-coordinator migrate once as somebody who may`,
    });
  } else {
    findings.push({
      id: 'postgres-behind',
      level: 'note',
      what,
      why: 'serve and every command bring it up to date first, safely beside the version before',
      fix: 'longhaul-coordinator migrate',
    });
  }
  return findings;
}

function durabilityFindings({ fsync, synchronousCommit, database }: PostgresReport): readonly Finding[] {
  const findings: Finding[] = [];
  if (!fsync) {
    findings.push({
      id: 'postgres-fsync-off',
      level: 'error',
      what: 'fsync is off',
      why: 'a power cut may destroy the whole database: the catalog is what knows which uploads there are',
      fix: 'alter system set fsync = on; select pg_reload_conf();',
    });
  }
  if (synchronousCommit === 'off') {
    findings.push({
      id: 'postgres-async-commit',
      level: 'warning',
      what: 'synchronous_commit is off',
      why: 'the last commits may be lost in a crash: a completed upload would be completed again, and its event told again',
      fix: `alter database "${database}" set synchronous_commit = on;`,
    });
  }
  return findings;
}
