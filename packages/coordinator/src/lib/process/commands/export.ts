import { existsSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { MoveRefusedError, type MoveSource } from '../../ports/catalog-move.ts';
import { Secret } from '../../secret.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, UsageError } from '../command.ts';
import { ConfigError, readConfig, type ServeConfig } from '../config.ts';
import { type HeaderFacts, writeMoveLines } from '../move/move-file.ts';
import { createMoveTally, type MoveTally } from '../move/move-tally.ts';
import { createProgress } from '../move/progress.ts';
import { tokenKeyCheck } from '../move/token-key-check.ts';
import { cannotWrite } from '../file-problem.ts';
import { formatCount } from '../plain-text.ts';
import { readTokenKey } from '../token-key-file.ts';
import { keyFileOf } from '../wire.ts';
import { wireMoveSource } from '../wire-move.ts';

/** `longhaul-coordinator export` */
export const exportCatalog: Command = {
  name: 'export',
  summary: 'write everything that a SQLite file remembers, to move to Postgres',
  help: `longhaul-coordinator export FILE|- [--while-serving] [--json]

Writes everything that the SQLite file remembers to a new FILE, or to stdout, for import: uploads, parts of those that are
open, events, who it is. One JSON object a line; the last line tells whether a file is whole.

Stop every coordinator first: refused while another process has the SQLite file open, and none can open it meanwhile.
Afterwards let none start on it again: an upload would go on in two places.

Not in it: token keys, keys of encryption, credentials. In it: names, owners, metadata. Only you may read FILE.

Options
  --while-serving   for a rehearsal: read it as it is now, while others write. import takes it with --dry-run only
  --json            one JSON object on stdout: { "file", "installationId", "nodes", "openUploads", "keyedUploads",
                    "parts", "events", "unsentEvents", "buckets" }; not with -

Exit status: 0 done; 1 refused or failed, and there is no FILE; 2 usage.

Examples
  longhaul-coordinator export longhaul.ndjson
  longhaul-coordinator export --while-serving - | gzip > rehearsal.ndjson.gz

${HELP_ENDING}`,
  async run(args, world) {
    const wish = readWish(args);
    const config = readConfig(world.env);
    try {
      return await runExport(config, wish, world);
    } catch (error) {
      if (!(error instanceof MoveRefusedError)) throw error;
      world.note(`Refused: ${error.message}`);
      return EXIT.failed;
    }
  },
};

interface ExportWish {
  readonly file: string;
  readonly whileServing: boolean;
  readonly json: boolean;
}

function readWish(args: readonly string[]): ExportWish {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'while-serving': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new UsageError('Name one FILE, or - for stdout.');
  if (file === '-' && values.json) throw new UsageError('--json has no place beside the rows on stdout.');
  return { file, whileServing: values['while-serving'], json: values.json };
}

async function runExport(config: ServeConfig, wish: ExportWish, world: CliWorld): Promise<number> {
  const { memory } = config;
  if (memory.kind !== 'sqlite') {
    throw new ConfigError([
      'LONGHAUL_DATABASE_URL: export reads a SQLite file. For Postgres there is pg_dump',
    ]);
  }
  if (!existsSync(memory.path))
    throw new ConfigError([`LONGHAUL_SQLITE_FILE: there is no file ${memory.path}`]);
  const keys = config.tokenKeys ?? (await keptKeys(keyFileOf(memory)));
  const source = await wireMoveSource(memory.path, wish.whileServing);
  try {
    const { installationId } = source.installation;
    const facts = {
      exportedAtEpochMs: Date.now(),
      whileServing: wish.whileServing,
      tokenKeyChecks: keys.map((key) => tokenKeyCheck(key, installationId)),
    };
    const moved = await writeOut(source, facts, wish, world);
    if (wish.json) world.say(JSON.stringify({ file: wish.file, installationId, ...moved }));
    else world.note(describe(moved, wish, config));
  } finally {
    source.close();
  }
  return EXIT.done;
}

async function keptKeys(path: string): Promise<readonly Secret[]> {
  const key = await readTokenKey(path);
  return key === undefined ? [] : [new Secret(key)];
}

async function writeOut(
  source: MoveSource,
  facts: HeaderFacts,
  { file }: ExportWish,
  world: CliWorld,
): Promise<MoveTally> {
  const { nodes, events, parts } = source.counts;
  const progress = createProgress(world.note, 'Written', nodes + events + parts);
  const tally = createMoveTally();
  const lines = writeMoveLines(source, facts, (line) => {
    tally.add(line);
    progress.add();
  });
  if (file === '-') for (const line of lines) world.say(line.trimEnd());
  else await writeFile(file, lines);
  return tally.total();
}

const CHUNK_CHARACTERS = 1024 ** 2;

/** A whole file that only its owner may read, or none. */
async function writeFile(path: string, lines: Iterable<string>): Promise<void> {
  const handle = await create(path);
  try {
    let chunk = '';
    for (const line of lines) {
      chunk += line;
      if (chunk.length < CHUNK_CHARACTERS) continue;
      await handle.appendFile(chunk);
      chunk = '';
    }
    await handle.appendFile(chunk);
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new MoveRefusedError(`${path} is there already. Name another file, or remove it.`);
    throw cannotWrite(path, error);
  }
}

function describe(moved: MoveTally, { file, whileServing }: ExportWish, config: ServeConfig): string {
  const { nodes, openUploads, keyedUploads, parts, events, unsentEvents } = moved;
  const what =
    `Exported ${formatCount(nodes, 'upload')}, ${openUploads} of them open with ${formatCount(parts, 'part')}, and ` +
    `${formatCount(events, 'event')}, ${unsentEvents} of them to be told.`;
  const keyed =
    keyedUploads === 0
      ? []
      : [
          `${formatCount(keyedUploads, 'open upload')} with a customer's key: a key that waits in a vault stays behind; ` +
            'where one is needed, the client is asked for it again.',
        ];
  if (whileServing) return [what, ...keyed, 'A rehearsal: import takes it with --dry-run only.'].join('\n');
  const keys =
    config.tokenKeys || config.memory.kind !== 'sqlite'
      ? 'LONGHAUL_TOKEN_KEYS as it is here'
      : `the content of ${keyFileOf(config.memory)} in LONGHAUL_TOKEN_KEYS`;
  const next = `Next: import ${file === '-' ? 'it' : file} at the new place, with ${keys}. Start nothing here again.`;
  return [what, ...keyed, next].join('\n');
}
