/** Each server gives one right answer, so that what fails elsewhere is not about the servers. */
import { describe, expect, it } from 'vitest';
import { ALL_SERVICES } from './all-services.ts';

describe.each(ALL_SERVICES)('$name', ({ variables, probe }) => {
  const isMissing = (process.env[variables[0]] ?? '') === '';

  it.skipIf(isMissing)(`answers (needs ${variables[0]})`, async () => {
    await expect(probe(process.env)).resolves.toBeUndefined();
  });

  it('does not take silence for an answer', async () => {
    await expect(probe({})).rejects.toThrow(`${variables[0]} is not set`);
  });
});
