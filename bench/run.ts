// `npx --yes pnpm@12 bench NAME […]`: each bench is a file here that compares with a peer in the same run.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const benches = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && name !== 'run.ts')
  .map((name) => name.slice(0, -3));
const [name, ...args] = process.argv.slice(2);

if (name !== undefined && benches.includes(name)) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  const isHelp = name === undefined || name === '--help' || name === '-h';
  const text = `${isHelp ? '' : `There is no bench "${name}".\n\n`}Usage\n  npx --yes pnpm@12 bench NAME [--help]\n\nBenches\n${benches.map((bench) => `  ${bench}\n`).join('')}`;
  (isHelp ? process.stdout : process.stderr).write(text);
  process.exitCode = isHelp ? 0 : 2;
}
