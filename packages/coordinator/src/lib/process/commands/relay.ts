import { parseArgs } from 'node:util';
import { relay as relayOnce } from '../../maintenance.ts';
import { type Command, EXIT, HELP_ENDING, readInteger } from '../command.ts';
import { ConfigError } from '../config.ts';
import { formatCount } from '../plain-text.ts';
import { withPorts } from '../with-ports.ts';

const DEFAULT_LIMIT = 1_000;
const MOST_EVENTS = 1_000_000;

/** `longhaul-coordinator relay` */
export const relay: Command = {
  name: 'relay',
  summary: 'tell the events that are due, once',
  help: `longhaul-coordinator relay [--limit N] [--json]

Tells every event that is due to its sinks, once: LONGHAUL_KAFKA_BROKERS, LONGHAUL_WEBHOOK_URL. serve does so all the
time; run this from cron where no process lives long. Safe beside any number of others.

Options
  --limit N   most events to tell; default ${DEFAULT_LIMIT}
  --json      one JSON object on stdout: { "sent", "retried", "parked" }

Exit status: 0 nothing went wrong, though beyond --limit more may be due; 1 some was not told (retried: due again later;
parked: see longhaul-coordinator events); 2 usage, or there is no sink.

${HELP_ENDING}`,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        limit: { type: 'string', default: String(DEFAULT_LIMIT) },
        json: { type: 'boolean' },
      },
    });
    const limit = readInteger('--limit', values.limit, [1, MOST_EVENTS]);
    const report = await withPorts(world, async ({ options, config }) => {
      if (!config.sinks.kafka && !config.sinks.webhook) {
        throw new ConfigError([
          'LONGHAUL_KAFKA_BROKERS or LONGHAUL_WEBHOOK_URL is required: who shall be told?',
        ]);
      }
      return await relayOnce(options, { limit });
    });
    const { sent, retried, parked } = report;
    world.say(
      values.json
        ? JSON.stringify(report)
        : `${formatCount(sent, 'event')} told, ${retried} to be told again later, ${parked} parked.`,
    );
    return retried > 0 || parked > 0 ? EXIT.failed : EXIT.done;
  },
};
