import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../src/lib');
const PAGE = join(import.meta.dirname, '../../../../docs/operations.md');

it('every figure is explained to those who run it, and no other', async () => {
  const named = new Set<string>();
  for await (const file of glob('**/*.ts', { cwd: SOURCES })) {
    const text = await readFile(join(SOURCES, file), 'utf8');
    for (const [, name] of text.matchAll(/name: '(longhaul_[a-z\d_]+)'/g)) if (name) named.add(name);
  }
  const page = await readFile(PAGE, 'utf8');
  const explained = new Set([...page.matchAll(/^\| `(longhaul_[a-z\d_]+)` +\|/gm)].map(([, name]) => name));
  expect(explained).toEqual(named);
});
