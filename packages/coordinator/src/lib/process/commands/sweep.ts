import { parseArgs } from 'node:util';
import { reconcile, sweep as sweepOnce, tidy } from '../../maintenance.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, readInteger, UsageError } from '../command.ts';
import { formatCount, formatTable } from '../plain-text.ts';
import { type CommandPorts, withPorts } from '../with-ports.ts';

const DEFAULT_LIMIT = 1_000;
const MOST_UPLOADS = 1_000_000;

/** `longhaul-coordinator sweep` */
export const sweep: Command = {
  name: 'sweep',
  summary: 'look after uploads that nobody looks after, once',
  help: `longhaul-coordinator sweep [--limit N] [--reconcile [--abort]] [--json]

Looks once after every upload that is due: drives completions and aborts on that were cut short, finishes creates that
nobody finished, ends uploads that have been idle for LONGHAUL_IDLE_LIMIT_SECONDS. Drives rotations on. Then removes sent
events, and rows of uploads that ended without an object, after LONGHAUL_RETAIN_DAYS. serve does so all the time; run this
from cron where no process lives long. Safe beside any number of others.

Options
  --limit N     most uploads to look after; default ${DEFAULT_LIMIT}
  --reconcile   compare the store's list of unfinished multipart uploads with the catalog, too, and print it:
                  open       its upload goes on
                  driven     its upload is being completed, aborted or rotated
                  completed  its upload is complete; never touched
                  ended      its upload has ended without an object, this was left behind
                  stray      its upload has another id at the store, this was left behind
                  unknown    no upload has its key: another program's, or another installation's
  --abort       with --reconcile: end at the store what is provably ours and left behind (ended, stray, and unknown for
                more than 7 days). Refused unless {installationId} stands in the fixed beginning of LONGHAUL_KEY_TEMPLATE,
                because the store's list does not tell whose an upload is
  --json        one JSON object on stdout: { "sweep": …, "tidy": …, "reconcile"?: … }

Exit status: 0 done; 1 something failed, or has no known end yet, and stays due, or --abort was refused; 2 usage.

Examples
  longhaul-coordinator sweep
  longhaul-coordinator sweep --reconcile --json | jq '.reconcile.uploads[] | select(.verdict == "unknown")'

${HELP_ENDING}`,
  async run(args, world) {
    const wish = readWish(args);
    return await withPorts(world, (ports) => runSweep(ports, wish, world));
  },
};

interface SweepWish {
  readonly limit: number;
  readonly reconcile: boolean;
  readonly abort: boolean;
  readonly json: boolean;
}

type SweepReport = Awaited<ReturnType<typeof sweepOnce>>;
type TidyReport = Awaited<ReturnType<typeof tidy>>;
type ReconcileReport = Awaited<ReturnType<typeof reconcile>>;

function readWish(args: readonly string[]): SweepWish {
  const { values } = parseArgs({
    args: [...args],
    options: {
      limit: { type: 'string', default: String(DEFAULT_LIMIT) },
      reconcile: { type: 'boolean', default: false },
      abort: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { limit, ...flags } = values;
  if (flags.abort && !flags.reconcile) throw new UsageError('--abort belongs to --reconcile.');
  return { ...flags, limit: readInteger('--limit', limit, [1, MOST_UPLOADS]) };
}

async function runSweep({ options }: CommandPorts, wish: SweepWish, world: CliWorld): Promise<number> {
  const swept = await sweepOnce(options, { limit: wish.limit });
  const tidied = await tidy(options);
  if (!wish.json) world.say(`${describeSweep(swept)}\n${describeTidy(tidied)}`);
  const found = wish.reconcile ? await reconcile(options, { abort: wish.abort }) : undefined;
  if (wish.json)
    world.say(JSON.stringify({ sweep: swept, tidy: tidied, ...(found && { reconcile: found }) }));
  else if (found) world.say(describeReconcile(found));
  return swept.failed + swept.unresolved > 0 ? EXIT.failed : EXIT.done;
}

function describeSweep(swept: SweepReport): string {
  const { redriven, unresolved, aborted, expired, cleaned, extended, failed, rotated, rotating } = swept;
  const done =
    `Swept: ${formatCount(redriven, 'completion')} and ${formatCount(aborted, 'abort')} driven on, ${expired} expired, ` +
    `${extended} still going on, ${cleaned} cleaned up after.`;
  const open =
    unresolved > 0 ? ` Of ${formatCount(unresolved, 'completion')} nobody can tell the end yet.` : '';
  const rotations =
    rotated + rotating > 0
      ? ` ${formatCount(rotated, 'rotation')} driven to their end, ${rotating} still going on.`
      : '';
  const said = `${done}${rotations}${open}`;
  return failed > 0 ? `${said} ${failed} failed and stay due.` : said;
}

function describeTidy({ removedEvents, removedUploads }: TidyReport): string {
  return `Removed: ${formatCount(removedEvents, 'sent event')}, ${formatCount(removedUploads, 'ended upload')}.`;
}

function describeReconcile({ counts, uploads, ...report }: ReconcileReport): string {
  const { prefix, exclusive, installationId } = report;
  const whose = exclusive
    ? `which belongs to this installation (${installationId}) alone`
    : 'which other programs may use, too';
  const { aborted, ...byVerdict } = counts;
  const total = Object.values(byVerdict).reduce((sum, count) => sum + count, 0);
  const head = `${formatCount(total, 'unfinished multipart upload')} at the store under "${prefix}", ${whose}.`;
  if (total === 0) return head;
  const rows = uploads.map(({ verdict, aborted, initiatedAtEpochMs, key, s3UploadId }) => [
    aborted ? `${verdict}, aborted` : verdict,
    new Date(initiatedAtEpochMs).toISOString(),
    key,
    s3UploadId,
  ]);
  const table = `${head}\n${formatTable(['VERDICT', 'BEGUN', 'KEY', 'S3 UPLOAD ID'], rows)}`;
  if (uploads.length === total) return table;
  const found = Object.entries(byVerdict).flatMap(([verdict, count]) =>
    count > 0 ? `${count} ${verdict}` : [],
  );
  return `${table}\nThose are the first ${uploads.length}. In all: ${found.join(', ')}; ${aborted} aborted.`;
}
