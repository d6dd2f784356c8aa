import type { Checksum } from '@longhaul/protocol';
import { loaded } from '../loaded.ts';
import type { Digests } from '../stages/digest-parts.ts';

/**
 * The digest of the whole, as S3 makes it. What the coordinator knows of parts whose ETags nobody could read is the store's word
 * alone, and need not be MD5s to be compared with ours.
 */
export async function wholeOf(
  digests: Pick<Digests, 'all'> | undefined,
  seesEtags: boolean,
): Promise<Checksum | undefined> {
  const all = await digests?.all();
  if (!all || all.whole || !seesEtags) return all?.whole;
  const { compositeMd5 } = await loaded(import('../integrity/composite-md5.ts'));
  return compositeMd5(all.parts);
}
