import { parseArgs } from 'node:util';
import { ConfigError, readConfig, VARIABLES } from './config.ts';
import { logLine } from './log-line.ts';
import { serve } from './serve.ts';
import { wireCatalog } from './wire.ts';

const HELP = `longhaul-coordinator: decides, signs and remembers; the bytes go straight to S3.

Usage
  longhaul-coordinator serve      migrate the catalog, then serve until SIGTERM or Ctrl-C
  longhaul-coordinator migrate    bring the catalog's schema up to date, then end
  longhaul-coordinator --help

Example
  S3_BUCKET=uploads S3_REGION=eu-west-1 longhaul-coordinator serve

Environment
${VARIABLES.map(([name, meaning]) => `  ${name.padEnd(43)}${meaning}`).join('\n')}

Exit status: 0 done, 1 failed, 2 the command or the configuration is wrong.
`;

const TRY = 'Try: longhaul-coordinator --help';

/** Runs a command of `longhaul-coordinator`; answers the exit status. */
async function runCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (rest.length > 0 || (command !== 'serve' && command !== 'migrate')) {
    console.error(
      `${command ? `There is no command "${positionals.join(' ')}".` : 'Name a command.'} ${TRY}`,
    );
    return 2;
  }
  return command === 'serve' ? await runServe() : await runMigrate();
}

async function runServe(): Promise<number> {
  const config = readConfig(process.env);
  const service = await serve(config, (error) => console.error(logLine(error, new Date())));
  console.log(`longhaul-coordinator listens on ${service.url}, bucket ${config.store.bucket}`);
  if (!config.authorizeModule) {
    console.log(
      'No LONGHAUL_AUTHORIZE_MODULE: every upload belongs to the owner "local", so only this machine may connect.',
    );
  }
  await stopAsked();
  console.log('Stopping: calls under way are finished first. Once more to end at once.');
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
  await service.stop();
  return 0;
}

async function runMigrate(): Promise<number> {
  const catalog = await wireCatalog(readConfig(process.env));
  try {
    await catalog.migrate();
  } finally {
    await catalog.close();
  }
  console.log('The catalog is up to date.');
  return 0;
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
}

/**
 * Runs `longhaul-coordinator` with its arguments and answers the exit status; failures are said on stderr.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  try {
    return await runCommand(args);
  } catch (error) {
    if (error instanceof ConfigError) console.error(`${error.message}\n${TRY}`);
    else if (isArgumentError(error)) console.error(`${error.message.split('. ')[0]}. ${TRY}`);
    else console.error(logLine(error, new Date()));
    return error instanceof ConfigError || isArgumentError(error) ? 2 : 1;
  }
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
