import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../docs');

// Each row: | asset | threat | control | shown by |
const rows = readFileSync(join(FOLDER, 'threats.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (asset|-)/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map(([, asset = '', threat = '', control = '', shownBy = '']) => ({
    asset,
    threat,
    control,
    tests: Array.from(shownBy.matchAll(/\]\(([^)]+)\)/g), ([, path = '']) => path),
  }));

describe('docs/threats.md', () => {
  it('has rows', () => expect(rows.length).toBeGreaterThan(20));

  it.each(rows)(
    'says what stands against "$threat", and which test shows it',
    ({ asset, control, tests }) => {
      expect(asset).not.toBe('');
      expect(control.length).toBeGreaterThan(10);
      expect(tests).not.toEqual([]);
      for (const path of tests) {
        expect(path).toMatch(/\.test\.ts$/);
        expect(existsSync(join(FOLDER, path)), path).toBe(true);
      }
    },
  );
});
