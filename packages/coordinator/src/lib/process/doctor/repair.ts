import { type CliWorld, UsageError } from '../command.ts';
import { ConfigError } from '../config.ts';
import { formatSpan } from '../plain-text.ts';
import { withCatalog } from '../with-ports.ts';
import type { Finding, Repair } from './finding.ts';

const DAY_MS = 86_400_000;

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
    if (!offer) continue;
    const harm = await harmOf(offer, world);
    if (harm !== undefined) world.note(`Left as it is: ${id}. ${harm}`);
    if (harm !== undefined || !(isAgreed || (await ask(offer.question, world)))) continue;
    await offer.run();
    repaired.push(id);
  }
  return repaired;
}

/** What would be lost by it. `undefined`: nothing that anybody knows of. */
async function harmOf({ endsUploadsAfterDays: days }: Repair, world: CliWorld): Promise<string | undefined> {
  if (days === undefined) return undefined;
  try {
    const oldestEpochMs = await withCatalog(world, (catalog) => catalog.oldestOpenCreatedAtEpochMs());
    const ageMs = oldestEpochMs === undefined ? 0 : Date.now() - oldestEpochMs;
    if (ageMs <= (days - 1) * DAY_MS) return undefined;
    return `An upload that is open was begun ${formatSpan(ageMs)} ago, and the store would throw its parts away.`;
  } catch (error) {
    // A catalog that was not made yet has no open uploads.
    if (error instanceof ConfigError) return undefined;
    world.report(error);
    return 'The catalog does not tell how old open uploads are, and the store would throw away the parts of old ones.';
  }
}

async function ask(question: string, world: CliWorld): Promise<boolean> {
  if (world.confirm) return await world.confirm(question);
  throw new UsageError('--fix asks before it changes the bucket, and nobody is there to answer: give --yes.');
}
