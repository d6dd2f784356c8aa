import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckFailure, outcomeOf } from './command.ts';
import { findFiles, ROOT } from './workspace.ts';

/** A rule of `.dependency-cruiser.cjs` that does not hold. */
export interface ArrowViolation {
  readonly rule: string;
  readonly from: string;
  /** What is imported; with a circle, all of it. */
  readonly to: string;
}

interface CruiseReport {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string };
      readonly from: string;
      readonly to: string;
      readonly cycle?: readonly { readonly name: string }[];
    }[];
  };
}

const FOLDERS = ['packages', 'examples', 'tests', 'tools', 'bench'];

/** Holds the imports of the whole repository against the arrows of ARCHITECTURE.md. */
export async function checkArrows(): Promise<void> {
  const violations = await violatedArrows(ROOT, await findFiles('packages/*/src/**/*.{ts,tsx}'));
  const lines = violations.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`);
  if (lines.length > 0) throw new CheckFailure(lines.join('\n'));
}

/**
 * Every violation in a folder laid out like this repository.
 *
 * @throws CheckFailure when one of `sources` was not read: dependency-cruiser without a TypeScript that it can use
 *   skips all of it and reports that nothing is wrong
 */
export async function violatedArrows(
  folder: string,
  sources: readonly string[],
): Promise<readonly ArrowViolation[]> {
  const config = join(ROOT, '.dependency-cruiser.cjs');
  const folders = await existing(folder, FOLDERS);
  const args = ['--config', config, '--output-type', 'json', ...folders];
  const { stdout, output } = await outcomeOf('depcruise', args, folder);
  const { modules, summary } = parseReport(stdout, output);
  const read = new Set(modules.map(({ source }) => source));
  const unread = sources.filter((source) => !read.has(source));
  if (unread.length > 0) throw new CheckFailure(`dependency-cruiser did not read\n  ${unread.join('\n  ')}`);
  return summary.violations.map(({ rule, from, to, cycle }) => ({
    rule: rule.name,
    from,
    to: cycle?.map(({ name }) => name).join(' → ') ?? to,
  }));
}

function parseReport(stdout: string, output: string): CruiseReport {
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new CheckFailure(`dependency-cruiser gave no report:\n${output}`, { cause });
  }
}

async function existing(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(
      async (name) =>
        await access(join(folder, name)).then(
          () => name,
          () => undefined,
        ),
    ),
  );
  return found.filter((name) => name !== undefined);
}
