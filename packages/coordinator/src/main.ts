#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { ConfigError, readConfig, VARIABLES } from './lib/process/config.ts';
import { serve } from './lib/process/serve.ts';
import { wireCatalog } from './lib/process/wire.ts';

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

/** Runs a command; answers the exit status. */
async function main(args: readonly string[]): Promise<number> {
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
    process.stderr.write(`${command ? `There is no command "${positionals.join(' ')}".\n\n` : ''}${HELP}`);
    return 2;
  }
  return command === 'serve' ? await runServe() : await runMigrate();
}

async function runServe(): Promise<number> {
  const config = readConfig(process.env);
  const service = await serve(config, (error) => console.error(describe(error)));
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

/** What goes into the log: names and messages, which never hold secrets, and causes. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `Error: ${String(error)}`;
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? stack : `${stack}\n  caused by ${describe(error.cause)}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage =
    error instanceof ConfigError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? (error as Error).message : describe(error));
  process.exitCode = isUsage ? 2 : 1;
}
