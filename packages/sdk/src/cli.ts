#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';

process.exitCode = await main(process.versions.node);

/** The rest is loaded only by a Node that has what it needs: an older one would end in a stack trace. */
async function main(nodeVersion: string): Promise<number> {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 13)) {
    console.error(`longhaul needs Node 22.13 or newer; this is ${nodeVersion}.`);
    return 1;
  }
  if (process.argv[2] === '--version') {
    console.log(await readVersion());
    return 0;
  }
  // Little is kept here, whatever the file: room for more objects, short-lived or not, would only be memory.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--optimize-for-size');
  // Nor is there much to compute: compilers that work beside it would take more memory than they save time.
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-maglev');
  const { runCli } = await import('./lib/cli/run-cli.ts');
  const { openStandardInput } = await import('./lib/cli/standard-input.ts');
  const interrupt = new AbortController();
  const stop = (): void => {
    // Asked twice: whatever is still being said to the coordinator is cut short.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new Error('stopped by the user'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { env, stdout, stderr } = process;
  const world = { env, openStandardInput, stdout, stderr, signal: interrupt.signal };
  return await runCli(process.argv.slice(2), world);
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
