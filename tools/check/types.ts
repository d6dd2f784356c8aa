import { isAbsolute, join, relative } from 'node:path';
import { CheckFailure, outcomeOf } from './command.ts';
import { findFiles, readPublicPackages, ROOT } from './workspace.ts';

const COMPILERS_AT_ONCE = 2;

/** The native one, by its path: it claims the name of the other, which tools need for its API. */
const COMPILER = join(ROOT, 'node_modules', '@typescript', 'native', 'bin', 'tsc');

/** Compiles every tsconfig, and makes sure that each source file belongs to one of them. */
export async function checkTypes(): Promise<void> {
  const configs = [
    ...(await findFiles('tsconfig.json', '{packages,examples,tools,tests,bench}/**/tsconfig*.json')),
  ];
  const compiled = new Set<string>();
  const failures: string[] = [];
  const lanes = Array.from({ length: COMPILERS_AT_ONCE }, async () => {
    for (let config = configs.shift(); config !== undefined; config = configs.shift()) {
      const { exitCode, files, messages } = await compile(config);
      for (const file of files) compiled.add(file);
      if (exitCode !== 0) failures.push(`$ tsc -p ${config}\n${messages.join('\n')}`);
    }
  });
  await Promise.all(lanes);
  const forgotten = (await sourceFiles()).filter((file) => !compiled.has(file));
  if (forgotten.length > 0) failures.push(`No tsconfig compiles\n  ${forgotten.join('\n  ')}`);
  if (failures.length > 0) throw new CheckFailure(failures.join('\n\n'));
}

/** Type tests are compiled like everything else; here each public package must have one. */
export async function checkTypeTests(): Promise<void> {
  const tests = await findFiles('tests/types/*.test-d.ts');
  const wanted = (await readPublicPackages()).map(
    ({ name }) => `tests/types/${name.replace(/^.*\//, '')}.test-d.ts`,
  );
  const missing = wanted.filter((file) => !tests.includes(file));
  if (missing.length > 0) throw new CheckFailure(`Public types without a test:\n  ${missing.join('\n  ')}`);
}

async function compile(config: string): Promise<{ exitCode: number; files: string[]; messages: string[] }> {
  const args = [COMPILER, '-p', config, '--listFiles', '--pretty', 'false'];
  const { exitCode, output } = await outcomeOf(process.execPath, args);
  const lines = output.split('\n').filter(Boolean);
  return {
    exitCode,
    files: lines.filter((line) => isAbsolute(line)).map((file) => relative(ROOT, file)),
    messages: lines.filter((line) => !isAbsolute(line)),
  };
}

async function sourceFiles(): Promise<readonly string[]> {
  const found = await findFiles(
    '{packages,examples,tests,tools,bench}/**/*.{ts,tsx,mts,cts}',
    '*.{ts,mts,cts}',
  );
  return found.filter((file) => !file.endsWith('.d.ts'));
}
