import { type CliWorld, UsageError } from '../command.ts';
import type { Finding } from './finding.ts';

/**
 * Offers what can be mended from here, one after the other, and does what was agreed to.
 *
 * @returns ids of what was mended
 * @throws UsageError when nobody can be asked; ObjectStoreError when the store refuses a change
 */
export async function repair(
  findings: readonly Finding[],
  isAgreed: boolean,
  world: CliWorld,
): Promise<readonly string[]> {
  const repaired: string[] = [];
  for (const { id, repair: offer } of findings) {
    if (!offer || !(isAgreed || (await ask(offer.question, world)))) continue;
    await offer.run();
    repaired.push(id);
  }
  return repaired;
}

async function ask(question: string, world: CliWorld): Promise<boolean> {
  if (world.confirm) return await world.confirm(question);
  throw new UsageError('--fix asks before it changes the bucket, and nobody is there to answer: give --yes.');
}
