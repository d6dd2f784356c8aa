import { describe, expect, it } from 'vitest';
import { CoordinatorError } from '../coordinator-error.ts';
import { KeyVaultError } from '../ports/key-vault.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { logLine } from './log-line.ts';

const AT = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

describe('logLine', () => {
  it('says when, what, of which upload, and what lay behind it, on one line', () => {
    const cause = new ObjectStoreError('unreachable', 'HEAD got no answer', {
      cause: new Error('ECONNREFUSED'),
    });
    const error = new CoordinatorError('store-unreachable', 'The store is away.', { uploadId: 'u1' }, cause);
    expect(logLine(error, AT)).toBe(
      '2026-01-02T03:04:05.000Z CoordinatorError (upload u1): The store is away.; ' +
        'because of ObjectStoreError: HEAD got no answer; because of Error: ECONNREFUSED',
    );
  });

  it('brings no stack of a vault that is away', () => {
    const away = new KeyVaultError('unreachable', 'Redis could not read a sealed key');
    expect(logLine(away, AT)).toBe(
      '2026-01-02T03:04:05.000Z KeyVaultError: Redis could not read a sealed key',
    );
  });

  it('brings the stack of what nobody expected', () => {
    expect(logLine(new TypeError('oops'), AT)).toContain('log-line.test.ts');
    expect(logLine('odd', AT)).toBe('2026-01-02T03:04:05.000Z Error: odd');
  });
});
