import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectMetadata, WRITE_TOKEN_NAME } from './object-metadata.ts';

const upload = {
  uploadId: '00000000-0000-4000-8000-000000000000',
  connectorId: 'default',
  name: 'x',
  writeToken: 'f'.repeat(32),
  metadata: {},
};
const sizeOf = (metadata: Record<string, string>): number => Object.entries(metadata).flat().join('').length;
const anyText = fc.string({ unit: 'binary', maxLength: 1024 });
const names = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);

describe('objectMetadata', () => {
  it('gives back every value and as much of the name as fits, and never more than headers can carry', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.dictionary(names, fc.string({ unit: 'binary', maxLength: 30 })),
        (name, sent) => {
          fc.pre(!Object.keys(sent).some((key) => key in objectMetadata(upload)));
          let metadata: Record<string, string>;
          try {
            metadata = objectMetadata({ ...upload, name, metadata: sent });
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid-metadata' });
            return;
          }
          expect(sizeOf(metadata)).toBeLessThanOrEqual(2048);
          for (const value of Object.values(metadata)) expect(value).toMatch(/^[\x21-\x7e]*$/);
          for (const [key, value] of Object.entries(sent))
            expect(decodeURIComponent(metadata[key]!)).toBe(value.toWellFormed());
          const kept = decodeURIComponent(metadata['original-name']!);
          const whole = name.toWellFormed();
          expect(whole.startsWith(kept)).toBe(true);
          if (kept !== whole) expect(sizeOf(metadata)).toBeGreaterThan(2048 - 12);
        },
      ),
    );
  });

  it('fills 2 KiB to the last byte and refuses the next one', () => {
    const room = 2048 - sizeOf(objectMetadata({ ...upload, name: '' })) - 128 - 'big'.length;
    const full = { ...upload, name: 'n'.repeat(1024), metadata: { big: 'x'.repeat(room) } };
    expect(sizeOf(objectMetadata(full))).toBe(2048);
    expect(() => objectMetadata({ ...full, metadata: { big: 'x'.repeat(room + 1) } })).toThrow(
      '1 bytes too large',
    );
  });

  it('cuts a name between its characters', () => {
    const kept = objectMetadata({ ...upload, name: '🎬'.repeat(1000) })['original-name']!;
    expect(decodeURIComponent(kept)).toMatch(/^🎬{10,}$/u);
  });

  it.each(['node-id', 'connector-id', 'original-name', WRITE_TOKEN_NAME])('keeps %s for itself', (name) => {
    expect(() => objectMetadata({ ...upload, metadata: { [name]: 'x' } })).toThrow('reserved');
  });

  it('does not take what every object inherits for a reserved name', () => {
    expect(objectMetadata({ ...upload, metadata: { tostring: 'x' } })).toMatchObject({ tostring: 'x' });
  });
});
