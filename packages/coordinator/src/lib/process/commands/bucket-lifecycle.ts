import { parseArgs } from 'node:util';
import { settingsOf } from '../../coordinator-settings.ts';
import {
  type AbortRule,
  abortRuleOf,
  type BucketLifecycle,
  type LifecycleRule,
} from '../../ports/bucket-lifecycle.ts';
import type { Installation } from '../../ports/catalog.ts';
import { ObjectStoreError } from '../../ports/object-store.ts';
import { ABORT_RULE_ID, rulePrefixOf } from '../abort-rule.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, readInteger } from '../command.ts';
import { formatSpan } from '../plain-text.ts';
import { type CommandPorts, withPorts } from '../with-ports.ts';

const DEFAULT_DAYS = '7';
const MOST_DAYS = 3_650;
const DAY_MS = 86_400_000;

/** `longhaul-coordinator bucket lifecycle` */
export const bucketLifecycle: Command = {
  name: 'bucket lifecycle',
  summary: "the bucket's own rule for unfinished uploads: print it, or apply it",
  help: `longhaul-coordinator bucket lifecycle [--days N] [--apply] [--json]

Prints the bucket's lifecycle configuration with our rule in it, as aws s3api put-bucket-lifecycle-configuration takes it;
with --apply puts it there. Rules of others are kept as they are. The rule ends multipart uploads under the fixed
beginning of LONGHAUL_KEY_TEMPLATE that were begun N days ago. It is the net below the sweeper, for what nobody remembers.

The days count from the beginning of an upload, not from its last part: on that day the store throws away every part,
even while the client is sending. So N must exceed the longest upload that you expect: 1 TB at 10 Mbit/s takes 9.3 days.
Refused is what would certainly do harm: N days or less of LONGHAUL_IDLE_LIMIT_SECONDS, and an open upload in the catalog
that is older than N - 1 days. Other programs that upload under the same prefix are not asked.

Options
  --days N   default ${DEFAULT_DAYS}
  --apply    change the bucket; needs s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration
  --json     one JSON object on stdout: { "bucket", "applied", "LifecycleConfiguration" }

Exit status: 0 done; 1 refused, or the store failed; 2 usage.

Examples
  longhaul-coordinator bucket lifecycle --days 14 --apply
  longhaul-coordinator bucket lifecycle > rules.json
  aws s3api put-bucket-lifecycle-configuration --bucket uploads --lifecycle-configuration file://rules.json

${HELP_ENDING}`,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        days: { type: 'string', default: DEFAULT_DAYS },
        apply: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const wish = { ...values, days: readInteger('--days', values.days, [1, MOST_DAYS]) };
    return await withPorts(world, (ports) => runLifecycle(ports, wish, world));
  },
};

interface LifecycleWish {
  readonly days: number;
  readonly apply: boolean;
  readonly json: boolean;
}

async function runLifecycle(ports: CommandPorts, wish: LifecycleWish, world: CliWorld): Promise<number> {
  const { options, lifecycle, config } = ports;
  const settings = settingsOf(options);
  const oldestEpochMs = await options.catalog.oldestOpenCreatedAtEpochMs();
  const refusal = refusalOf(wish.days, {
    idleLimitMs: settings.idleLimitSeconds * 1000,
    oldestAgeMs: oldestEpochMs === undefined ? undefined : Date.now() - oldestEpochMs,
  });
  if (refusal !== undefined) {
    world.note(refusal);
    return EXIT.failed;
  }
  const scope = scopeOf(settings.keyTemplate, await options.catalog.installation());
  const rule = { ...scope, daysAfterInitiation: wish.days };
  const before = wish.apply ? await lifecycle.rules() : await rulesIfReadable(lifecycle, world);
  for (const warning of warningsFor(rule, before)) world.note(warning);
  if (wish.apply) await lifecycle.putAbortRule(rule);
  const { bucket } = config.store;
  const document = { Rules: [...before.filter(({ ID }) => ID !== rule.id), abortRuleOf(rule)] };
  if (wish.json) {
    world.say(JSON.stringify({ bucket, applied: wish.apply, LifecycleConfiguration: document }));
  } else if (wish.apply) {
    world.say(
      `${bucket} ends multipart uploads under "${rule.prefix}" ${wish.days} days after they were begun.`,
    );
  } else {
    world.say(JSON.stringify(document, undefined, 2));
  }
  return EXIT.done;
}

/** Why so many days would do harm, with the least that would not; `undefined`: nothing is known against them. */
function refusalOf(
  days: number,
  {
    idleLimitMs,
    oldestAgeMs = 0,
  }: { readonly idleLimitMs: number; readonly oldestAgeMs?: number | undefined },
): string | undefined {
  const leastDays = Math.max(Math.floor(idleLimitMs / DAY_MS) + 1, Math.ceil(oldestAgeMs / DAY_MS) + 1);
  const harm: string[] = [];
  if (days * DAY_MS <= idleLimitMs) {
    harm.push(
      `an upload may rest for ${formatSpan(idleLimitMs)} (LONGHAUL_IDLE_LIMIT_SECONDS) and still go on`,
    );
  }
  if (oldestAgeMs > (days - 1) * DAY_MS) {
    harm.push(`the oldest open upload in the catalog was begun ${formatSpan(oldestAgeMs)} ago`);
  }
  if (harm.length === 0) return undefined;
  return (
    `Refused: a rule of ${days} days, which count from the beginning of an upload, would end uploads that are open: ` +
    `${harm.join('; ')}. The least that is safe now is --days ${leastDays}.`
  );
}

/** What all keys have in common. Installations that have a prefix of their own have a rule of their own. */
function scopeOf(
  keyTemplate: string,
  { installationId }: Installation,
): { readonly id: string; readonly prefix: string } {
  const [prefix = ''] = keyTemplate.replaceAll('{installationId}', installationId).split('{');
  return {
    prefix,
    id: prefix.includes(installationId) ? `${ABORT_RULE_ID}-${installationId}` : ABORT_RULE_ID,
  };
}

/** Printing needs no rights, and no store that can do this: it is for those who put the rule there by other means. */
async function rulesIfReadable(
  lifecycle: BucketLifecycle,
  world: CliWorld,
): Promise<readonly LifecycleRule[]> {
  try {
    return await lifecycle.rules();
  } catch (error) {
    if (!(error instanceof ObjectStoreError)) throw error;
    world.report(error);
    world.note(
      'Only our own rule is printed. Putting it there replaces every rule that the bucket may have.',
    );
    return [];
  }
}

function warningsFor(rule: AbortRule, rules: readonly LifecycleRule[]): readonly string[] {
  const warnings = rules.map((other) => warningFor(rule, other)).filter((warning) => warning !== undefined);
  if (rule.prefix !== '') return warnings;
  return [
    ...warnings,
    'LONGHAUL_KEY_TEMPLATE has no fixed beginning, so the rule is for the whole bucket, whoever uploads to it.',
  ];
}

function warningFor(ours: AbortRule, other: LifecycleRule): string | undefined {
  const prefix = rulePrefixOf(other);
  if (other.ID === ours.id) {
    return prefix === ours.prefix ? undefined : `This takes the place of our rule for "${prefix}".`;
  }
  const days = other.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
  const isLater = days === undefined || days >= ours.daysAfterInitiation;
  const isApart = !prefix.startsWith(ours.prefix) && !ours.prefix.startsWith(prefix);
  if (isLater || isApart || other.Status !== 'Enabled') return undefined;
  return `Rule "${other.ID ?? ''}" of the bucket ends uploads under "${prefix}" after ${days} days already.`;
}
