import { parseArgs } from 'node:util';
import type { ReplaySelection } from '../../ports/outbox.ts';
import { type Command, EXIT, HELP_ENDING, readUuid, UsageError } from '../command.ts';
import { formatCount } from '../plain-text.ts';
import { withCatalog } from '../with-ports.ts';

/** `longhaul-coordinator events replay` */
export const eventsReplay: Command = {
  name: 'events replay',
  summary: 'tell events again that are parked or sent',
  help: `longhaul-coordinator events replay --parked | --event ID | --since TIME [--json]

Makes events due again, as if nobody had been told of them; the next relay tells them to every sink. Whoever listens knows
a repetition by the event's id.

Options, one of
  --parked       every parked event
  --event ID     this one, sent or parked
  --since TIME   every event written since, sent or parked: 2026-11-27T08:00:00Z (with its zone), or 2026-11-27 (UTC).
                 Sent events are kept for LONGHAUL_RETAIN_DAYS
and
  --json         one JSON object on stdout: { "replayed" }

Exit status: 0 done; 1 there is no such event, sent or parked; 2 usage.

Example
  longhaul-coordinator events replay --since 2026-11-27T08:00:00Z && longhaul-coordinator relay

${HELP_ENDING}`,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        parked: { type: 'boolean' },
        event: { type: 'string' },
        since: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const selection = readSelection(values);
    const replayed = await withCatalog(world, ({ outbox }) => outbox.replay(selection));
    const isUnknown = replayed === 0 && selection.kind === 'event';
    const words = isUnknown
      ? 'There is no such event, or it waits to be told already.'
      : `${formatCount(replayed, 'event')} made due: the next relay tells of ${replayed === 1 ? 'it' : 'them'}.`;
    world.say(values.json ? JSON.stringify({ replayed }) : words);
    return isUnknown ? EXIT.failed : EXIT.done;
  },
};

interface Choice {
  readonly parked?: boolean | undefined;
  readonly event?: string | undefined;
  readonly since?: string | undefined;
}

function readSelection({ parked, event, since }: Choice): ReplaySelection {
  const given = [parked, event, since].filter((choice) => choice !== undefined);
  if (given.length !== 1) throw new UsageError('Name one of --parked, --event ID and --since TIME.');
  if (event !== undefined) return { kind: 'event', eventId: readUuid('--event', event) };
  return since === undefined ? { kind: 'parked' } : { kind: 'since', sinceEpochMs: readTime(since) };
}

/** Without a zone a time would mean another moment on every machine. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function readTime(given: string): number {
  const epochMs = ISO_TIME.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(epochMs)) return epochMs;
  throw new UsageError(`--since must be a time like 2026-11-27T08:00:00Z, with its zone, got "${given}".`);
}
