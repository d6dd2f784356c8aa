import { describe, expect, it } from 'vitest';
import { findSightings, formsOf } from './scan.ts';

const SECRET = 'cANaRy/+ "sëcret\\&<1>';
const seenIn = (text: string): readonly string[] =>
  findSightings([{ name: 'it', value: SECRET }], [{ name: 'log', text }]).map(({ form }) => form);

describe('findSightings', () => {
  it.each(formsOf(SECRET).map(({ form, text }) => [form, text] as const))(
    'finds a secret: %s',
    (form, text) => {
      expect(seenIn(`before ${text} after`)).toContain(form);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('finds it in base64 with %d bytes before it, and any behind', (count) => {
    for (const behind of ['', 'x', 'xy', 'xyz']) {
      const bytes = Buffer.from(`${'u'.repeat(count)}${SECRET}${behind}`);
      for (const encoding of ['base64', 'base64url'] as const)
        expect(seenIn(`Basic ${bytes.toString(encoding)}`)).toContain(
          `${encoding}, ${count % 3} bytes into it`,
        );
    }
  });

  it('finds what other programs write', () => {
    expect(seenIn(JSON.stringify({ a: { b: JSON.stringify(SECRET) } }))).not.toEqual([]);
    expect(seenIn(new URL(`http://u:${encodeURIComponent(SECRET)}@host/`).href)).not.toEqual([]);
    expect(seenIn(`?a=${new URLSearchParams({ a: SECRET }).toString()}`)).not.toEqual([]);
  });

  it('finds nothing where nothing is', () => {
    expect(seenIn('cANaRy and a secret of no meaning, [secret]')).toEqual([]);
  });

  it('has no form so short that anything could be it', () => {
    for (const { text } of formsOf('12345678')) expect(text.length).toBeGreaterThanOrEqual(8);
  });
});
