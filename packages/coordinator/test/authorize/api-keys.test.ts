import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createApiKeyAuthorize, parseApiKeys } from '../../src/api-keys.ts';
import { runCli } from '../../src/lib/process/run-cli.ts';

const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');
const bearing = (key: string): Request =>
  new Request('http://localhost/', { headers: { authorization: `Bearer ${key}` } });

const authorize = createApiKeyAuthorize({
  keys: [
    { owner: 'ann', sha256: sha256('lhk_one') },
    { owner: 'bob', sha256: sha256('lhk_two').toUpperCase() },
    { owner: 'ann', sha256: sha256('lhk_three') },
  ],
});

describe('an API key', () => {
  it.each([
    ['lhk_one', 'ann'],
    ['lhk_two', 'bob'],
    ['lhk_three', 'ann'],
    ['lhk_on', undefined],
    ['lhk_onee', undefined],
    ['LHK_ONE', undefined],
    [sha256('lhk_one'), undefined],
    ['x'.repeat(9_000), undefined],
  ])('%s is the key of %s', (key, owner) => {
    expect(authorize(bearing(key))).toBe(owner);
  });

  it('stands in one place only', () => {
    for (const headers of [
      {},
      { authorization: 'lhk_one' },
      { authorization: 'Basic lhk_one' },
      { authorization: 'Bearer lhk_one, Bearer lhk_two' },
      { 'x-api-key': 'lhk_one' },
    ] as Record<string, string>[])
      expect(authorize(new Request('http://localhost/?key=lhk_one', { headers }))).toBeUndefined();
  });

  it('is refused when the coordinator is made, if it would let in anybody', () => {
    expect(() => createApiKeyAuthorize({ keys: [] })).toThrow(TypeError);
    expect(() => createApiKeyAuthorize({ keys: [{ owner: 'ann', sha256: 'lhk_one' }] })).toThrow(TypeError);
    expect(() => createApiKeyAuthorize({ keys: [{ owner: '', sha256: sha256('x') }] })).toThrow(TypeError);
  });
});

describe('parseApiKeys', () => {
  it('reads a line for each key', () => {
    const text = `# services\n\nann ${sha256('a')}\r\n  bob\t${sha256('b')}  \n`;
    expect(parseApiKeys(text)).toEqual([
      { owner: 'ann', sha256: sha256('a') },
      { owner: 'bob', sha256: sha256('b') },
    ]);
  });

  it.each(['ann', 'ann lhk_canary', `ann bob ${sha256('a')}`, `${sha256('a')}`])(
    'names the line that is wrong, and not what stands in it: %s',
    (line) => {
      const read = (): unknown => parseApiKeys(`# first\n${line}`);
      expect(read).toThrow('line 2');
      expect(read).not.toThrow('canary');
    },
  );
});

it('longhaul-coordinator api-key makes a key and the line that takes it', async () => {
  const said: string[] = [];
  const noted: string[] = [];
  const world = {
    env: {},
    say: (line: string) => void said.push(line),
    note: (line: string) => void noted.push(line),
    report: () => undefined,
  };
  expect(await runCli(['api-key', 'billing'], world)).toBe(0);
  const made = createApiKeyAuthorize({ keys: parseApiKeys(noted.join('\n')) });
  expect(made(bearing(said.join('')))).toBe('billing');
  expect(said[0]).toMatch(/^lhk_[\w-]{43}$/);
  for (const args of [['api-key'], ['api-key', 'a', 'b'], ['api-key', 'a,b'], ['api-key', '#a']])
    expect(await runCli(args, world)).toBe(2);
});
