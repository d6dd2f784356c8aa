import { constants, createWriteStream } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { MoveRefusedError } from '../../ports/catalog-move.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, UsageError } from '../command.ts';
import { ConfigError, readConfig } from '../config.ts';
import { importMoveFile, type ImportReport } from '../move/import-move-file.ts';
import { cannotRead } from '../file-problem.ts';
import { formatCount } from '../plain-text.ts';
import { wireMoveTarget } from '../wire-move.ts';
import { withPorts } from '../with-ports.ts';

/** `longhaul-coordinator import` */
export const importCatalog: Command = {
  name: 'import',
  summary: 'take what export has written into Postgres and Redis',
  help: `longhaul-coordinator import FILE|- [--dry-run] [--json]

Takes what export has written into an empty Postgres catalog, all of it in one transaction, then tells Redis the parts of
open uploads. Clients go on with the tokens that they have, and send no stored part again. Do it before the first
coordinator serves there.

May be repeated: rows that are there already, just so, stay. Refused, and nothing is changed, when the file was cut short,
changed, or written while somebody was serving; when a newer version wrote it; when a key that has signed tokens is not
among LONGHAUL_TOKEN_KEYS; when another installation has uploads there, or a row has gone on since it was taken.

Options
  --dry-run   try everything, change nothing
  --json      one JSON object on stdout: { "dryRun", "installationId", "nodes": { "taken", "there" },
              "events": { "taken", "there" }, "openUploads", "keyedUploads", "unsentEvents", "restoredUploads",
              "restoredParts" }

Exit status: 0 done; 1 refused or failed; 2 usage.

Examples
  longhaul-coordinator import longhaul.ndjson --dry-run
  gunzip < rehearsal.ndjson.gz | longhaul-coordinator import - --dry-run

${HELP_ENDING}`,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'dry-run': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) throw new UsageError('Name one FILE, or - for stdin.');
    try {
      const report = await withFile(file, (path) => runImport(path, values['dry-run'], world));
      world.say(values.json ? JSON.stringify(report) : describe(report));
      return EXIT.done;
    } catch (error) {
      if (!(error instanceof MoveRefusedError)) throw error;
      world.note(`Refused: ${error.message}`);
      return EXIT.failed;
    }
  },
};

async function runImport(path: string, dryRun: boolean, world: CliWorld): Promise<ImportReport> {
  const { memory } = readConfig(world.env);
  if (memory.kind !== 'servers') {
    throw new ConfigError(['LONGHAUL_DATABASE_URL is required: import moves into Postgres and Redis']);
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  return await withPorts(world, async ({ options, config }) => {
    const target = await wireMoveTarget(memory.databaseUrl);
    try {
      return await importMoveFile(
        { options, target, tokenKeys: config.tokenKeys ?? [], note: world.note },
        { path, dryRun },
      );
    } finally {
      await target.close();
    }
  });
}

/** The file is read more than once: stdin is kept for so long in a folder that nobody else may read. */
async function withFile<Result>(file: string, work: (path: string) => Promise<Result>): Promise<Result> {
  if (file !== '-') return await work(file);
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-import-'));
  try {
    const path = join(folder, 'stdin');
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
    return await work(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function describe({ dryRun, nodes, events, ...report }: ImportReport): string {
  const there = nodes.there + events.there;
  const head =
    `${dryRun ? 'Would take' : 'Taken:'} ${formatCount(nodes.taken, 'upload')} and ${formatCount(events.taken, 'event')}` +
    `${there > 0 ? `; ${formatCount(there, 'row')} there already` : ''}.`;
  const open = `${formatCount(report.openUploads, 'upload')} open, ${formatCount(report.unsentEvents, 'event')} to be told.`;
  if (dryRun) return `${head} ${open} Nothing was changed.`;
  const parts = `${formatCount(report.restoredParts, 'part')} of ${formatCount(report.restoredUploads, 'upload')} told to Redis.`;
  return `${head} ${open} ${parts}\nNext: serve here. Clients go on with the tokens that they have.`;
}
