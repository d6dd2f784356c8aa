#!/usr/bin/env node
// Loaded only once it is known that this Node has what the program needs: an older one would end in a stack trace.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 13)) {
  const { runCli } = await import('./lib/process/run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  console.error(`longhaul-coordinator needs Node 22.13 or newer; this is ${process.versions.node}.`);
  process.exitCode = 1;
}
