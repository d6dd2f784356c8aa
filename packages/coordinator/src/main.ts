#!/usr/bin/env node
import { readFile } from 'node:fs/promises';

process.exitCode = await main(process.versions.node);

/** The rest is loaded only by a Node that has what it needs: an older one would end in a stack trace. */
async function main(nodeVersion: string): Promise<number> {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 13)) {
    console.error(`longhaul-coordinator needs Node 22.13 or newer; this is ${nodeVersion}.`);
    return 1;
  }
  if (process.argv[2] === '--version') {
    console.log(await readVersion());
    return 0;
  }
  const { runCli } = await import('./lib/process/run-cli.ts');
  return await runCli(process.argv.slice(2));
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
