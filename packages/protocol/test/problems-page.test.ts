import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { PROBLEM_STATUS, PROBLEM_TITLES } from '../src/index.ts';

// docs/problems.md promises to list every code; each row: | `code` | status | title | when | what to do |
const page = await readFile(new URL('../../../docs/problems.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, code = '', status = '', title = '', when = '', next = '']) => ({
    code: code.replaceAll('`', ''),
    status: Number(status),
    title,
    when,
    next,
  }));

describe('docs/problems.md', () => {
  it('lists every code once, with its status and title', () => {
    const expected = Object.entries(PROBLEM_STATUS).map(([code, status]) => ({
      code,
      status,
      title: Object.entries(PROBLEM_TITLES).find(([known]) => known === code)?.[1],
    }));
    expect(rows.map(({ code, status, title }) => ({ code, status, title }))).toEqual(expected);
  });

  it.each(rows)('says of $code when it happens and what to do next', ({ when, next }) => {
    expect(when).toMatch(/^.{20,}\.$/);
    expect(next).toMatch(/^.{20,}\.$/);
  });
});

describe('titles', () => {
  it.each(Object.entries(PROBLEM_TITLES))('%s has one sentence', (_code, title) => {
    expect(title).toMatch(/^[A-Z][^.]+\.$/);
  });
});
