#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { openStandardInput } from './lib/cli/standard-input.ts';
import { runCli } from './lib/cli/run-cli.ts';

// Short-lived objects are few here: room for more of them would only be memory. It is grown no more from now on.
setFlagsFromString('--semi-space-growth-factor=1');

const interrupt = new AbortController();

function stop(): void {
  // Asked twice: whatever is still being said to the coordinator is cut short.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort(new Error('stopped by the user'));
}

process.on('SIGINT', stop);
process.on('SIGTERM', stop);

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  // Opened when it is read: a file needs none.
  get stdin() {
    return openStandardInput();
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
