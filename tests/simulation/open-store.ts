import type { Catalog } from '@longhaul/coordinator';
import type { Foreign } from './check.ts';
import type { FaultName } from './engine/faults.ts';
import { FOREIGN_TYPE, idIn } from './engine/observer.ts';
import { createSimulatedS3, type SimulatedS3, type StoreQuirks } from './store/simulated-s3.ts';
import { STORE_TRAITS } from './store/store-traits.ts';
import type { World } from './world.ts';

const QUIRK_FAULTS: Partial<Record<keyof StoreQuirks, FaultName>> = {
  dropsMetadata: 'metadata dropped at create',
  saltsEtags: 'ETag of equal bytes changed',
  keepsLateParts: 'part landed after an abort',
};

/** The store of a schedule, with the quirks that it draws. */
export function openStore({
  scheduler,
  random,
  faults,
  history,
  plan,
}: Pick<World, 'scheduler' | 'random' | 'faults' | 'history' | 'plan'>): SimulatedS3 {
  const traits = STORE_TRAITS[plan.traits];
  return createSimulatedS3({
    traits,
    versioned: plan.versioned && traits.versioning,
    // Without a precondition a repeated PUT writes the same bytes again: under another ETag it would be another object.
    quirks: { ...plan.quirks, saltsEtags: plan.quirks.saltsEtags === true && traits.putIfNoneMatch },
    nowEpochMs: scheduler.nowEpochMs,
    randomUuid: random.uuid,
    onObject: (key) => history.stored(idIn(key)),
    onPart: (key) => history.active(idIn(key)),
    onQuirk(quirk) {
      const fault = QUIRK_FAULTS[quirk];
      if (fault) faults.struck(fault);
    },
    losesPart(key) {
      // A store that compares sizes would have said so.
      if (traits.verifiesObjectSize || !faults.strikes('a part of the object lost by the store'))
        return false;
      history.doom(idIn(key));
      return true;
    },
  });
}

/** What another program, and another installation of this one, keep in the same bucket. */
export async function bringOthers(s3: SimulatedS3, catalog: Catalog): Promise<Foreign> {
  const { installationId } = await catalog.installation();
  const object = { contentType: FOREIGN_TYPE, metadata: {} };
  const folders = ['connectors/default', `longhaul/${installationId.replace(/^./, 'x')}/default`, 'longhaul'];
  const uploads = folders.map((folder, index) => {
    const key = `${folder}/00000000-0000-4000-8000-00000000000${index}`;
    return { key, s3UploadId: s3.createUpload({ key, ...object }), partCount: 0 };
  });
  const objects = folders.map((folder) => `${folder}/report.txt`);
  for (const key of objects)
    s3.putObject({ key, ...object }, [{ kind: 'bytes', bytes: Buffer.from(key) }], false);
  return { objects, uploads };
}
