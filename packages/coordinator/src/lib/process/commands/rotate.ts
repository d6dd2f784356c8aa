import { parseArgs } from 'node:util';
import type { EncryptionWish } from '@longhaul/protocol';
import { type Command, EXIT, HELP_ENDING, readInteger, readUuid, UsageError } from '../command.ts';
import { type ObjectReport, type RotationWish, rotateAll } from '../rotate/rotate-all.ts';
import { nodeIdsIn, readKeyFile } from '../rotate/rotation-files.ts';
import { formatCount } from '../plain-text.ts';
import { withPorts } from '../with-ports.ts';

const DEFAULT_AT_ONCE = '4';
const MOST_AT_ONCE = 64;

/** `longhaul-coordinator rotate` */
export const rotate: Command = {
  name: 'rotate',
  summary: 'give objects another encryption, or another key, by copies at the store',
  help: `longhaul-coordinator rotate NODE_ID… --encryption MODE [options]
longhaul-coordinator rotate --from-file FILE|- --encryption MODE [options]

Gives objects that are complete another encryption, or another key, whoever's they are. The store copies each to another
object key, the copy is proved, the upload's row points at it from then on, the event encryption.rotated tells of it, and the
old object is deleted. NODE_ID is the id of the upload. Objects that have the very encryption already are left alone.

Stopped in the middle (Ctrl-C, crash), the same command goes on, a minute later at the latest: what is done is skipped, and
parts that are copied are not copied again. Safe beside serve, sweep and any number of others.

Options
  --encryption MODE    sse-s3, sse-kms, sse-kms:KEY (id, ARN or alias, if the policy lets it through) or sse-c
  --key-file FILE      with sse-c: the new key, 32 bytes or those in base64; - is stdin. Keep it: without it nobody can read
                       the objects. To make one: openssl rand -out new.key 32
  --old-key-file FILE  the key that the objects have, where they were stored with sse-c; - is stdin
  --from-file FILE     NODE_IDs, one a line; - is stdin. What comes behind a blank, and lines that begin with #, is left out
  --delete-versions    delete every version of the old objects, where the bucket keeps them; default is to hide the newest
  --again              copy even what has the encryption already, as after a change inside of a KMS key
  --at-once N          objects at once; default ${DEFAULT_AT_ONCE}
  --dry-run            say what would be done, or refused; change nothing
  --json               one JSON object a line on stdout for each object as soon as it has ended: { "nodeId", "outcome":
                       "rotated" | "skipped" | "refused" | "would-rotate", "key"?, "sizeBytes"?, "from"?, "to"?, "code"?,
                       "message"? }

Exit status: 0 all have the encryption; 1 at least one has not, and is as it was; 2 usage.

Examples
  longhaul-coordinator rotate 0b5b… --encryption sse-kms:alias/films
  psql -Atc "select document_id from nodes where upload_state = 'COMPLETED' and encryption is null" |
    longhaul-coordinator rotate --from-file - --encryption sse-s3 --dry-run

${HELP_ENDING}`,
  async run(args, world) {
    const { wish, isJson } = await readWish(args);
    const tell = (report: ObjectReport): void => {
      if (isJson) world.say(JSON.stringify(report));
      else (report.outcome === 'refused' ? world.note : world.say)(describe(report));
    };
    const reports = await withPorts(world, ({ options }) => rotateAll(options, wish, { ...world, tell }));
    if (!isJson && reports.length > 1) world.note(summaryOf(reports));
    return reports.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.done;
  },
};

async function readWish(
  args: readonly string[],
): Promise<{ readonly wish: RotationWish; readonly isJson: boolean }> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      encryption: { type: 'string' },
      'key-file': { type: 'string' },
      'old-key-file': { type: 'string' },
      'from-file': { type: 'string' },
      'delete-versions': { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      'at-once': { type: 'string', default: DEFAULT_AT_ONCE },
      'dry-run': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const files = [values['key-file'], values['old-key-file'], values['from-file']];
  if (files.filter((file) => file === '-').length > 1) throw new UsageError('- (stdin) holds one thing.');
  const fromFile = values['from-file'];
  if ((fromFile === undefined) === (positionals.length === 0))
    throw new UsageError('Name objects by their NODE_IDs, or by --from-file.');
  const atOnce = readInteger('--at-once', values['at-once'], [1, MOST_AT_ONCE]);
  const encryption = await readEncryption(values.encryption, values['key-file']);
  const oldKeyFile = values['old-key-file'];
  const oldKey = oldKeyFile === undefined ? undefined : await readKeyFile('--old-key-file', oldKeyFile);
  const given = fromFile === undefined ? positionals : await nodeIdsIn(fromFile);
  const request = {
    encryption,
    deleteVersions: values['delete-versions'],
    ...(oldKey && { oldCustomerKey: oldKey.base64 }),
  };
  return {
    isJson: values.json,
    wish: {
      nodeIds: [...new Set(given.map((id) => readUuid('NODE_ID', id)))],
      request,
      atOnce,
      again: values.again,
      dryRun: values['dry-run'],
    },
  };
}

async function readEncryption(
  text: string | undefined,
  keyFile: string | undefined,
): Promise<EncryptionWish> {
  // An ARN holds colons.
  const [, mode, kmsKeyId] = /^([\w-]+)(?::(.+))?$/.exec(text ?? '') ?? [];
  if (mode === 'sse-c' && kmsKeyId === undefined) {
    if (keyFile === undefined)
      throw new UsageError(
        '--encryption sse-c needs --key-file FILE. To make a key: openssl rand -out FILE 32.',
      );
    const { base64, md5 } = await readKeyFile('--key-file', keyFile);
    return { mode, customerKeyMd5: md5, customerKey: base64 };
  }
  if (keyFile !== undefined) throw new UsageError('--key-file is for --encryption sse-c.');
  if (mode === 'sse-kms') return { mode, ...(kmsKeyId !== undefined && { kmsKeyId }) };
  if (mode === 'sse-s3' && kmsKeyId === undefined) return { mode };
  throw new UsageError(
    text === undefined
      ? '--encryption is missing: sse-s3, sse-kms, sse-kms:KEY or sse-c.'
      : `--encryption is sse-s3, sse-kms, sse-kms:KEY or sse-c, got "${text}".`,
  );
}

const DEEDS = { rotated: 'now', skipped: 'already', 'would-rotate': 'would become' } as const;

function describe(report: ObjectReport): string {
  if (report.outcome === 'refused') return `${report.nodeId}: ${report.code}: ${report.message}`;
  const { nodeId, outcome, key, from, to, message } = report;
  const before = outcome === 'would-rotate' ? `${from ?? "the bucket's own"} ` : '';
  const trouble = message === undefined ? '' : `; ${message}`;
  return `${nodeId} ${key ?? ''}: ${before}${DEEDS[outcome]} ${to}${trouble}`;
}

function summaryOf(reports: readonly ObjectReport[]): string {
  const count = (outcome: ObjectReport['outcome']): number =>
    reports.filter((report) => report.outcome === outcome).length;
  const planned = count('would-rotate');
  const done = planned > 0 ? `${planned} would be rotated` : `${count('rotated')} rotated`;
  return `${formatCount(reports.length, 'object')}: ${done}, ${count('skipped')} had it already, ${count('refused')} refused.`;
}
