#!/usr/bin/env node
import { runCli } from './lib/cli/run-cli.ts';

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
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
