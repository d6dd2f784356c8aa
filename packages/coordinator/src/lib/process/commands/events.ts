import { parseArgs } from 'node:util';
import type { OutboxStatus } from '../../ports/outbox.ts';
import { type Command, EXIT, HELP_ENDING } from '../command.ts';
import { formatCount, formatSpan, formatTable } from '../plain-text.ts';
import { withCatalog } from '../with-ports.ts';

/** `longhaul-coordinator events` */
export const events: Command = {
  name: 'events',
  summary: 'how far behind the telling of events is, and what is parked',
  help: `longhaul-coordinator events [--json]

Prints how many events nobody was told of yet, how old the oldest is, and those that are parked: a sink has refused them
for good, so they and the later events of the same upload wait until somebody looks. When the cause is gone, tell them
again: longhaul-coordinator events replay --parked

Options
  --json   one JSON object on stdout: { "unsentCount", "oldestUnsentAgeMs"?, "parkedCount", "parked": [at most 100] }

${HELP_ENDING}`,
  async run(args, world) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } });
    const status = await withCatalog(world, ({ outbox }) => outbox.status());
    world.say(values.json ? JSON.stringify(status) : describeStatus(status));
    return EXIT.done;
  },
};

function describeStatus({ unsentCount, oldestUnsentAgeMs, parkedCount, parked }: OutboxStatus): string {
  const age = oldestUnsentAgeMs === undefined ? '' : `, the oldest for ${formatSpan(oldestUnsentAgeMs)}`;
  const head = `${formatCount(unsentCount, 'event')} waiting${age}; ${parkedCount} of them parked.`;
  if (parked.length === 0) return head;
  const rows = parked.map(({ eventId, nodeId, type, attempts, lastError }) => [
    eventId,
    nodeId,
    type,
    String(attempts),
    lastError,
  ]);
  const more = parkedCount > parked.length ? `\n… and ${parkedCount - parked.length} more` : '';
  return `${head}\n${formatTable(['EVENT', 'UPLOAD', 'TYPE', 'ATTEMPTS', 'LAST ERROR'], rows)}${more}`;
}
