import { deserialize, serialize } from 'node:v8';
import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

const VALUE = 'canary-5up3r';
const text = new Secret<string>(VALUE);
const bytes = new Secret(new TextEncoder().encode(VALUE));

/** Every way in which a value gets into a text without anybody asking for it. */
const WAYS: Readonly<Record<string, (secret: unknown) => unknown>> = {
  'a template string': (secret) => `${secret as string}`,
  'an addition': (secret) => '' + (secret as string),
  'String()': String,
  JSON: (secret) => JSON.stringify({ secret }),
  'JSON of an array': (secret) => JSON.stringify([secret]),
  inspect: (secret) => inspect(secret),
  'inspect of what holds it, hidden fields too': (secret) =>
    inspect({ deep: { secret } }, { showHidden: true, depth: null, getters: true }),
  'inspect without custom ways': (secret) => inspect(secret, { customInspect: false, showHidden: true }),
  'console.log': (secret) => format('%s %o %O %j', secret, secret, secret, secret),
  'the message of an error': (secret) => String(new Error(`bad key ${String(secret)}`)),
  'the cause of an error': (secret) => inspect(new Error('bad key', { cause: secret })),
  'a spread': (secret) => JSON.stringify({ ...(secret as object) }),
  'Object.entries': (secret) => JSON.stringify(Object.entries(secret as object)),
  'structured clone': (secret) => inspect(structuredClone({ secret }), { showHidden: true }),
  'v8.serialize': (secret) => inspect(deserialize(serialize({ secret }))),
};

describe('Secret', () => {
  it.each(Object.entries(WAYS))('is not shown by %s', (_way, print) => {
    for (const secret of [text, bytes]) {
      const printed = String(print(secret));
      expect(printed).not.toContain(VALUE);
      expect(printed).not.toContain([...bytes.reveal()].join(','));
      expect(printed).not.toContain([...bytes.reveal()].join(', '));
      expect(printed).not.toContain(Buffer.from(VALUE).toString('hex'));
    }
  });

  it('says that something is there', () => {
    expect(String(text)).toBe('[secret]');
    expect(inspect({ text })).toBe('{ text: [secret] }');
    expect(JSON.stringify({ bytes })).toBe('{"bytes":"[secret]"}');
  });

  it('gives the value to those who ask for it', () => {
    expect(text.reveal()).toBe(VALUE);
    expect(bytes.reveal()).toStrictEqual(new TextEncoder().encode(VALUE));
  });
});
