import { join } from 'node:path';
import { expect, it } from 'vitest';
import { outcomeOf } from '../../tools/check/command.ts';
import { ROOT } from '../../tools/check/workspace.ts';
import { withSourceTree } from './source-tree.ts';

const statements = (count: number): string =>
  Array.from({ length: count }, (_, index) => `  console.log(${index});\n`).join('');

const branches = (count: number): string =>
  Array.from({ length: count }, (_, index) => `  if (value === ${index}) return ${index};\n`).join('');

// One file for each rule that the house stands on, breaking it.
const MISTAKES: ReadonlyMap<string, string> = new Map([
  ['typescript(no-explicit-any)', 'export const a: any = 1;\n'],
  ['import(no-default-export)', 'export default 1;\n'],
  ['typescript(no-floating-promises)', 'export function f(): void {\n  Promise.resolve(1);\n}\n'],
  [
    'typescript(no-misused-promises)',
    'export const f = (): string => (Promise.resolve(true) ? "a" : "b");\n',
  ],
  ['typescript(await-thenable)', 'export async function f(): Promise<number> {\n  return await 1;\n}\n'],
  [
    'typescript(return-await)',
    'export async function f(): Promise<number> {\n  try {\n    return Promise.resolve(1);\n  } finally {\n    Math.random();\n  }\n}\n',
  ],
  ['typescript(no-non-null-assertion)', 'export const f = (a: string | undefined): string => a!;\n'],
  ['typescript(consistent-type-imports)', "import { Circle } from './circle.ts';\nexport type A = Circle;\n"],
  [
    'typescript(switch-exhaustiveness-check)',
    'export function f(a: "b" | "c"): void {\n  switch (a) {\n    case "b":\n      break;\n  }\n}\n',
  ],
  ['eslint(no-console)', 'console.log(1);\n'],
  ['eslint(no-empty)', 'export function f(): void {\n  try {\n    f();\n  } catch {}\n}\n'],
  ['eslint(eqeqeq)', 'export const f = (a: number): boolean => a == 1;\n'],
  ['eslint(no-unused-vars)', 'const a = 1;\n'],
  ['eslint(max-lines)', Array.from({ length: 351 }, (_, index) => `export const a${index} = 1;\n`).join('')],
  ['eslint(max-lines-per-function)', `export function f(): void {\n${statements(60)}}\n`],
  ['eslint(max-params)', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1): unknown => [a, b, c, d, e];\n'],
  ['eslint(complexity)', `export function f(value: number): number {\n${branches(12)}  return value;\n}\n`],
]);

const OTHER_FILES: ReadonlyMap<string, string> = new Map([
  [
    'src/circle.ts',
    "import type { Back } from './circle-back.ts';\nexport interface Circle {\n  back: Back;\n}\n",
  ],
  [
    'src/circle-back.ts',
    "import type { Circle } from './circle.ts';\nexport interface Back {\n  to: Circle;\n}\n",
  ],
  [
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'NodeNext',
        allowImportingTsExtensions: true,
        noEmit: true,
        lib: ['ES2024', 'DOM'],
      },
      include: ['src'],
    }),
  ],
]);

interface LintReport {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

async function lint(files: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
  return await withSourceTree(files, async (folder) => {
    const config = join(ROOT, '.oxlintrc.json');
    const { stdout } = await outcomeOf(
      'oxlint',
      ['-c', config, '--type-aware', '--format', 'json', 'src'],
      folder,
    );
    const { diagnostics }: LintReport = JSON.parse(stdout);
    return new Set(diagnostics.map(({ code, filename }) => `${code} in ${filename}`));
  });
}

it('refuses each mistake in a file of its own, and circles of types', async () => {
  const mistakes = [...MISTAKES].map(([rule, text], index) => ({
    rule,
    text,
    file: `src/mistake-${index}.ts`,
  }));
  const found = await lint(
    new Map([...OTHER_FILES, ...mistakes.map(({ file, text }): [string, string] => [file, text])]),
  );
  const missed = mistakes
    .filter(({ rule, file }) => !found.has(`${rule} in ${file}`))
    .map(({ rule }) => rule);
  expect(missed).toEqual([]);
  expect(found).toContain('import(no-cycle) in src/circle.ts');
});

it('lets a function of the largest size pass', async () => {
  const function60 = `export function f(): void {\n${statements(58).replaceAll('console.log', 'Math.abs')}}\n`;
  const calm = `export function f(value: number): number {\n${branches(11)}  return value;\n}\n`;
  const found = await lint(new Map([...OTHER_FILES, ['src/long.ts', function60], ['src/branchy.ts', calm]]));
  expect([...found].filter((line) => !line.includes('circle'))).toEqual([]);
});
