import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRandom } from '../../simulation/engine/random.ts';
import type { BucketContent } from '../../hostile/support/bucket-content.ts';
import { serveCoordinator } from '../../processes/serve-coordinator.ts';
import { openBucket } from './bucket.ts';
import { startJudgingProxy } from './judging-proxy.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TOKEN_KEY = 'canary-token-key-that-is-long-enough';

/** Why it cannot run here; empty when it can. */
export function missingForFuzz(): string {
  const names = ['LONGHAUL_TEST_SCHEMATHESIS', 'LONGHAUL_TEST_VERSITYGW_URL'];
  return names.filter((name) => !process.env[name]).join(', ');
}

/** What came of it. */
export interface FuzzReport {
  readonly failures: readonly string[];
  readonly calls: number;
  readonly statuses: Readonly<Record<number, number>>;
  readonly rows: number;
}

/**
 * Lets schemathesis loose on a coordinator process with SQLite and versitygw. Whatever it sends: no server error, no secret
 * in an answer, every refusal a problem of ours, and nothing at the store that no row knows.
 */
export async function fuzz(wish: { readonly seconds: number; readonly seed: string }): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-fuzz-'));
  const bucket = await openBucket();
  const coordinator = await serveCoordinator(
    { LONGHAUL_TOKEN_KEYS: TOKEN_KEY, LONGHAUL_LOG_LEVEL: 'warn', ...bucket.env },
    folder,
  );
  const random = createRandom(wish.seed);
  const secrets = [TOKEN_KEY, bucket.env['AWS_SECRET_ACCESS_KEY'] ?? TOKEN_KEY, folder];
  const proxy = await startJudgingProxy(coordinator.url, random, secrets);
  try {
    const findings = await runSchemathesis(proxy.url, folder, wish.seconds, random.int(1, 2 ** 31));
    const rows = rowsOf(join(folder, 'longhaul.sqlite'));
    return {
      failures: [
        ...proxy.failures,
        ...findings,
        ...strayIn(await bucket.content(), rows),
        ...(coordinator.complaints === '' ? [] : [`the log: ${coordinator.complaints.slice(0, 2_000)}`]),
      ],
      calls: [...proxy.statuses.values()].reduce((sum, count) => sum + count, 0),
      statuses: Object.fromEntries(proxy.statuses),
      rows: rows.length,
    };
  } finally {
    await proxy.close();
    await coordinator.stop();
    bucket.close();
    await rm(folder, { recursive: true });
  }
}

interface Row {
  readonly s3_key: string;
  readonly upload_state: string;
  readonly mode: string;
}

function rowsOf(path: string): readonly Row[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    return database.prepare('SELECT s3_key, upload_state, mode FROM nodes').all() as unknown as Row[];
  } finally {
    database.close();
  }
}

/** What the store holds and no row speaks of, and the other way round. */
function strayIn(content: BucketContent, rows: readonly Row[]): string[] {
  const keysIn = (isWanted: (row: Row) => boolean): Set<string> =>
    new Set(rows.filter(isWanted).map(({ s3_key }) => s3_key));
  const complete = keysIn(({ upload_state }) => upload_state === 'COMPLETED');
  const open = keysIn(({ upload_state, mode }) => upload_state === 'UPLOADING' && mode === 'multipart');
  const [objects, uploads] = [new Set(content.objects), new Set(content.openUploads)];
  const told = (what: string, keys: ReadonlySet<string>): string[] =>
    keys.size === 0 ? [] : [`${keys.size} ${what}, for example ${[...keys][0]}`];
  return [
    ...told('objects that no complete row has', without(objects, complete)),
    ...told('complete rows without an object', without(complete, objects)),
    ...told('open uploads at the store that no open row has', without(uploads, open)),
    ...told('open rows that are not open at the store', without(open, uploads)),
    ...(uploads.size === content.openUploads.length ? [] : ['a key with several open uploads']),
  ];
}

function without(keys: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> {
  return new Set([...keys].filter((key) => !others.has(key)));
}

/** Checks of schemathesis that hold here. The others take what JSON Schema cannot say for a promise. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'allow_header_conformance',
];

async function runSchemathesis(
  url: string,
  folder: string,
  seconds: number,
  seed: number,
): Promise<string[]> {
  const args = ['run', join(ROOT, 'docs/openapi.json'), '--url', url, '--checks', CHECKS.join(',')];
  args.push('--max-time', String(seconds), '--seed', String(seed), '--continue-on-failure', '--no-shrink');
  args.push('--warnings', 'off', '--suppress-health-check', 'all', '--request-timeout', '30');
  const child = spawn(process.env['LONGHAUL_TEST_SCHEMATHESIS'] ?? 'schemathesis', args, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return exitCode === 0 ? [] : [`schemathesis ended with ${exitCode}:\n${said.slice(-6_000)}`];
}
