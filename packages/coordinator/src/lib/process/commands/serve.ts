import { parseArgs } from 'node:util';
import { createRedactor } from '../../redact.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING } from '../command.ts';
import { isAuthorized } from '../authorize-config.ts';
import { readConfig, type ServeConfig } from '../config.ts';
import { knownSecrets } from '../known-secrets.ts';
import { createLog, type Log } from '../log.ts';
import { serve as startService } from '../serve.ts';

/** `longhaul-coordinator serve` */
export const serve: Command = {
  name: 'serve',
  summary: 'migrate the catalog, then serve until SIGTERM or Ctrl-C',
  help: `longhaul-coordinator serve

Migrates the catalog, then serves until SIGTERM or Ctrl-C, and finishes the calls under way. Beside that it sweeps (drives
unfinished completions and aborts on, ends what is idle), tells events to their sinks, and removes what is old. Any number
of replicas do that side by side. LONGHAUL_BACKGROUND_WORK=false leaves all of it to the commands sweep and relay.

Logs one JSON object a line on stderr: calls that were answered, and failures that are not the caller's. A refusal tells
its caller the requestId that stands in both.

Example
  S3_BUCKET=uploads S3_REGION=eu-west-1 longhaul-coordinator serve

${HELP_ENDING}`,
  async run(args, world) {
    parseArgs({ args: [...args] });
    const config = readConfig(world.env);
    const service = await startService(config, logOf(config, world));
    // Before anybody is told that it is there: who hears of it may end it at once.
    const asked = stopAsked();
    world.say(`longhaul-coordinator listens on ${service.url}, bucket ${config.store.bucket}`);
    if (service.metricsUrl) world.say(`Figures for Prometheus: ${service.metricsUrl}`);
    sayWhatIsMissing(config, world);
    await asked;
    world.say('Stopping: calls under way are finished first. Once more to end at once.');
    process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
    await service.stop();
    return EXIT.done;
  },
};

/** On stderr, so that stdout stays for people. */
function logOf({ log }: ServeConfig, { env, note }: CliWorld): Log {
  return createLog({ ...log, write: note, redact: createRedactor(knownSecrets(env)), now: () => new Date() });
}

function sayWhatIsMissing({ authorize, sinks, settings }: ServeConfig, world: CliWorld): void {
  if (!isAuthorized(authorize)) {
    world.say(
      'No LONGHAUL_JWT_JWKS_URL, LONGHAUL_API_KEYS_FILE or LONGHAUL_AUTHORIZE_MODULE: every upload belongs to the owner "local", so only this machine may connect.',
    );
  }
  const isLimited = Object.keys(settings).some((name) => /PerOwner$|PerAddress$/.test(name));
  if (isAuthorized(authorize) && !isLimited) {
    world.say(
      'No LONGHAUL_MAX_…_PER_OWNER, no LONGHAUL_CALLS_PER_MINUTE_…: nothing limits what one owner may do.',
    );
  }
  if (!sinks.kafka && !sinks.webhook) {
    world.say('No LONGHAUL_KAFKA_BROKERS, no LONGHAUL_WEBHOOK_URL: events wait in the catalog.');
  }
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
}
