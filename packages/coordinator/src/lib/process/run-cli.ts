import { createInterface } from 'node:readline/promises';
import { createRedactor } from '../redact.ts';
import { type CliWorld, type Command, CommandError, EXIT, UsageError } from './command.ts';
import { apiKey } from './commands/api-key.ts';
import { bucketLifecycle } from './commands/bucket-lifecycle.ts';
import { cancel } from './commands/cancel.ts';
import { doctor } from './commands/doctor.ts';
import { eventsReplay } from './commands/events-replay.ts';
import { events } from './commands/events.ts';
import { exportCatalog } from './commands/export.ts';
import { importCatalog } from './commands/import.ts';
import { migrate } from './commands/migrate.ts';
import { relay } from './commands/relay.ts';
import { rotate } from './commands/rotate.ts';
import { serve } from './commands/serve.ts';
import { sweep } from './commands/sweep.ts';
import { ConfigError, VARIABLES } from './config.ts';
import { knownSecrets } from './known-secrets.ts';
import { logLine } from './log-line.ts';

const COMMANDS: readonly Command[] = [
  serve,
  doctor,
  migrate,
  sweep,
  relay,
  events,
  eventsReplay,
  cancel,
  rotate,
  exportCatalog,
  importCatalog,
  bucketLifecycle,
  apiKey,
];

const HELP = `longhaul-coordinator: decides, signs and remembers; the bytes go straight to S3.

Usage
${COMMANDS.map(({ name, summary }) => `  longhaul-coordinator ${name.padEnd(18)}${summary}`).join('\n')}
  longhaul-coordinator COMMAND --help
  longhaul-coordinator --version

Example
  S3_BUCKET=uploads S3_REGION=eu-west-1 longhaul-coordinator serve

Environment
${VARIABLES.map(([name, meaning]) => `  ${name.padEnd(43)}${meaning}`).join('\n')}

Exit status: 0 done, 1 failed, 2 the command or the configuration is wrong.
`;

const OVERVIEW = 'Try: longhaul-coordinator --help';

const PROCESS: CliWorld = {
  env: process.env,
  say: (line) => console.log(line),
  note: (line) => console.error(line),
  report: (error) => console.error(createRedactor(knownSecrets(process.env))(logLine(error, new Date()))),
  ...(process.stdin.isTTY && { confirm: askOnTerminal }),
};

async function askOnTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/**
 * Runs `longhaul-coordinator` with its arguments and answers the exit status; failures are said on stderr.
 */
export async function runCli(args: readonly string[], world: CliWorld = PROCESS): Promise<number> {
  const command = findCommand(args);
  const help = helpAskedFor(args, command);
  if (help !== undefined) {
    world.say(help.trimEnd());
    return EXIT.done;
  }
  if (!command) {
    world.note(`${unknownCommand(args)} ${OVERVIEW}`);
    return EXIT.usage;
  }
  try {
    return await command.run(args.slice(command.name.split(' ').length), world);
  } catch (error) {
    const mistake = mistakeIn(error, command);
    if (error instanceof CommandError) world.note(error.message);
    else if (mistake === undefined) world.report(error);
    else world.note(mistake);
    return mistake === undefined ? EXIT.failed : EXIT.usage;
  }
}

function unknownCommand(args: readonly string[]): string {
  if (args.length === 0) return 'Name a command.';
  const longer = COMMANDS.find(({ name }) => name.startsWith(`${args[0]} `));
  const meant = longer ? ` There is "${longer.name}".` : '';
  return `There is no command "${args.join(' ')}".${meant}`;
}

/** Help of the command; of all of them for the program itself, and for the first word of a longer command. */
function helpAskedFor(args: readonly string[], command: Command | undefined): string | undefined {
  if (!args.some(isHelp)) return undefined;
  const isGroup = COMMANDS.some(({ name }) => name.startsWith(`${args[0]} `));
  return isGroup || args.every(isHelp) ? (command?.help ?? HELP) : command?.help;
}

function isHelp(arg: string): boolean {
  return arg === '--help' || arg === '-h';
}

/** What the caller did wrong, and where to read; `undefined`: it is not the caller's. */
function mistakeIn(error: unknown, { name }: Command): string | undefined {
  if (error instanceof ConfigError) return `${error.message}\n${OVERVIEW}`;
  const help = `Try: longhaul-coordinator ${name} --help`;
  if (error instanceof UsageError) return `${error.message} ${help}`;
  return isArgumentError(error) ? `${error.message.split('. ')[0]}. ${help}` : undefined;
}

/** The command with the longest name that the arguments begin with. */
function findCommand(args: readonly string[]): Command | undefined {
  return COMMANDS.filter(({ name }) => `${args.join(' ')} `.startsWith(`${name} `)).toSorted(
    (a, b) => b.name.length - a.name.length,
  )[0];
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
